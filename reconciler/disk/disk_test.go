package disk

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// changes makes one of each in dir.
func changes(d Disk, dir string) error {
	file, folder := filepath.Join(dir, "file"), filepath.Join(dir, "folder")
	temp, err := d.WriteTemp(dir, "new-", []byte("one"))
	err = errors.Join(err, d.Rename(temp, file), d.Append(file, []byte(" two")), d.MkdirAll(folder), d.MkdirAll(folder))
	_, made := d.MkdirTemp(folder, "new-")
	return errors.Join(err, made, d.RemoveAll(folder), d.RemoveAll(folder))
}

func TestEachChangeIsGuarded(t *testing.T) {
	dir := t.TempDir()
	if err := changes(Disk{}, dir); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "file")); string(content) != "one two" {
		t.Errorf("%q, %v", content, err)
	}

	dir = t.TempDir()
	var did []string
	guarded := Disk{Guard: func(c Change) error {
		did = append(did, c.Do)
		return c.Make(c.Content)
	}}
	if err := changes(guarded, dir); err != nil {
		t.Fatal(err)
	}
	if want := []string{"make", "write", "rename", "write", "make", "make", "remove"}; !slices.Equal(did, want) {
		t.Errorf("made %q, expected %q: what changes nothing is no change", did, want)
	}
}

func TestRefusedChangesAreNotMade(t *testing.T) {
	dir, full := t.TempDir(), errors.New("the disk is full")
	none := Disk{Guard: func(Change) error { return full }}
	if err := changes(none, dir); !errors.Is(err, full) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}

	// What could be written by half alone does not stay.
	torn := Disk{Guard: func(c Change) error {
		if c.Do == "write" {
			return errors.Join(c.Make(c.Content[:1]), full)
		}
		return c.Make(c.Content)
	}}
	if _, err := torn.WriteTemp(dir, "new-", []byte("one")); !errors.Is(err, full) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
