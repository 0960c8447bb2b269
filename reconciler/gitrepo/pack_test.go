package gitrepo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
)

// Packs as git makes them, with deltas by offset and by id.
func TestReadPack(t *testing.T) {
	srv := gitrepotest.NewServer(t)
	text := strings.Repeat("a line that is the same in each\n", 500)
	srv.Create("r", map[string]string{"f": text})
	for i := range 5 {
		srv.Commit("r", "main", map[string]string{"f": text + fmt.Sprint(i), fmt.Sprint("g", i): fmt.Sprint(i) + text})
	}
	listed := srv.Git("r", "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(objectsize)")
	for _, flag := range []string{"--delta-base-offset", "--no-reuse-delta"} {
		cmd := exec.Command("git", "pack-objects", "--all", "--stdout", "-q", flag)
		cmd.Dir = srv.Dir("r")
		pack, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got := newObjects()
		if err := readPack(bytes.NewReader(pack), packLimits{1 << 20, 1 << 30}, got); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.SplitSeq(listed, "\n") {
			o, ok := got.have[plumbing.NewHash(line[:40])]
			if want := fmt.Sprintf("%s %s %d", line[:40], o.kind, len(o.data)); !ok || want != line {
				t.Errorf("%s: got %s", line, want)
			}
			lines = append(lines, line)
		}
		if len(lines) != len(got.have) {
			t.Errorf("%d objects, want %d", len(got.have), len(lines))
		}
		small := newObjects()
		if err := readPack(bytes.NewReader(pack), packLimits{1 << 12, 1 << 30}, small); err != nil || len(small.large) == 0 {
			t.Error(err, len(small.large))
		}
		if err := readPack(bytes.NewReader(pack), packLimits{1 << 20, 1 << 12}, newObjects()); !errors.Is(err, errTooMuch) {
			t.Error(err)
		}
	}
}

// handPack is a pack of a delta that comes before its base.
func handPack(base string, delta []byte, on plumbing.Hash) []byte {
	var b bytes.Buffer
	b.WriteString("PACK")
	_ = binary.Write(&b, binary.BigEndian, []uint32{2, 2})
	deflate := func(p []byte) {
		w := zlib.NewWriter(&b)
		_, _ = w.Write(p)
		_ = w.Close()
	}
	b.WriteByte(byte(plumbing.REFDeltaObject)<<4 | byte(len(delta)))
	b.Write(on[:])
	deflate(delta)
	b.WriteByte(byte(plumbing.BlobObject)<<4 | byte(len(base)))
	deflate([]byte(base))
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

func TestDeltaBeforeItsBase(t *testing.T) {
	base := "0123456789"
	id := plumbing.ComputeHash(plumbing.BlobObject, []byte(base))
	delta := []byte{10, 7, 0x91, 2, 5, 2, 'a', 'b'} // base[2:7], then "ab"
	got := newObjects()
	if err := readPack(bytes.NewReader(handPack(base, delta, id)), packLimits{100, 100}, got); err != nil {
		t.Fatal(err)
	}
	want := plumbing.ComputeHash(plumbing.BlobObject, []byte("23456ab"))
	if data, ok := got.get(want, plumbing.BlobObject); !ok || string(data) != "23456ab" {
		t.Errorf("%q", data)
	}
	err := readPack(bytes.NewReader(handPack(base, delta, want)), packLimits{100, 100}, newObjects())
	if d := (*damage)(nil); !errors.As(err, &d) {
		t.Error(err)
	}
}
