// Package files delivers to hosts without Kubernetes: files in folders that are
// mounted at the daemon, and a reload of what runs by them.
//
// A change is written down in the folder's own record before its files are
// written, with what stood there before. Whatever ends it midway, the next look
// finds that, and the next step brings it to its end or puts back what there was.
package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/disk"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// recordFile is the file of a folder in which it is written down what was put there.
const recordFile = ".portreeve.json"

// maxRecord bounds a record, in bytes.
const maxRecord = 16 << 20

// Delivery delivers files.
type Delivery struct {
	// Root is the folder below which the folders of clusters lie.
	Root string
	// Reload tells what runs at an address to take up its files. It fails as
	// fleet.Permanent if that does not take them; of any other failure it is not
	// known whether it has.
	Reload func(ctx context.Context, address string) error
	Now    func() time.Time
	Disk   disk.Disk // makes the changes
}

// record is what is written down of a declaration.
type record struct {
	fleet.Standing
	// After tells the contents that were written, as sumOf gives them.
	After map[fleet.Path]string `json:"after"`
	// Of what has begun: what there was before, where it is told to reload, and
	// what had been written down.
	Before   map[fleet.Path]*file `json:"before,omitempty"`
	Reload   string               `json:"reload,omitempty"`
	Restarts []fleet.Path         `json:"restarts,omitempty"`
	Prior    *record              `json:"prior,omitempty"`
}

// file is a file as it stands; nil is none.
type file struct {
	Content []byte      `json:"content"`
	Mode    fs.FileMode `json:"mode"`
}

// sumOf is one for contents that are equal.
func sumOf(f *file) string {
	if f == nil {
		return "none"
	}
	sum := sha256.Sum256(f.Content)
	return hex.EncodeToString(sum[:16])
}

// Look implements cluster.Delivery.
func (d *Delivery) Look(ctx context.Context, clusters []cluster.Cluster) map[fleet.ClusterName]cluster.Answer {
	out := map[fleet.ClusterName]cluster.Answer{}
	for _, c := range clusters {
		answer := cluster.Answer{Err: context.Cause(ctx)}
		if answer.Err == nil {
			answer.Seen, answer.Err = d.look(c)
		}
		if answer.Err != nil {
			answer.Err = d.failure(c.Name, "look at its files", answer.Err)
		}
		out[c.Name] = answer
	}
	return out
}

func (d *Delivery) look(c cluster.Cluster) (cluster.Seen, error) {
	at, err := d.open(c.Is)
	if err != nil {
		return cluster.Seen{}, err
	}
	defer at.Close()
	seen := cluster.Seen{Files: map[fleet.Path]cluster.File{}, Standing: map[fleet.ID]*fleet.Standing{}}
	for _, p := range c.Reads {
		f, err := at.read(p)
		if err != nil {
			return cluster.Seen{}, err
		}
		if f != nil {
			seen.Files[p] = cluster.File{Content: f.Content, Executable: f.Mode&0o111 != 0}
		}
	}
	for id, r := range at.records {
		standing := r.Standing
		for p, sum := range r.After {
			f, err := at.read(p)
			if err != nil {
				return cluster.Seen{}, err
			}
			standing.Touched = standing.Touched || sumOf(f) != sum
		}
		seen.Standing[id] = &standing
	}
	return seen, nil
}

// Apply implements cluster.Delivery.
func (d *Delivery) Apply(ctx context.Context, at cluster.Cluster, c cluster.Change) error {
	f, err := d.open(at.Is)
	if err != nil {
		return d.failure(at.Name, "write", err)
	}
	defer f.Close()
	if r := f.records[c.Declaration]; r != nil && r.Begun {
		return d.failure(at.Name, "write", f.resume(ctx, c.Declaration, r))
	}
	return d.failure(at.Name, "write", f.apply(ctx, c))
}

// Try implements cluster.Delivery. Of a host nothing can be tried: what runs there
// says what it takes when it is told to reload.
func (d *Delivery) Try(context.Context, cluster.Cluster, cluster.Change) fleet.Trial {
	return fleet.Trial{}
}

// LetGo implements cluster.Delivery.
func (d *Delivery) LetGo(ctx context.Context, at cluster.Cluster, id fleet.ID) error {
	f, err := d.open(at.Is)
	if err != nil {
		return d.failure(at.Name, "let go", err)
	}
	defer f.Close()
	if r := f.records[id]; r != nil && r.Begun {
		if err := f.resume(ctx, id, r); err != nil && fleet.ClassOf(err) != fleet.Permanent {
			return d.failure(at.Name, "let go", err)
		}
	}
	delete(f.records, id)
	return d.failure(at.Name, "let go", f.save())
}

// failure is an error of the outside in our words; nil stays nil.
func (d *Delivery) failure(on fleet.ClusterName, op string, err error) error {
	if f := (*fleet.Failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	class := fleet.Transient
	if errors.Is(err, errBad) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		class = fleet.Permanent
	}
	return &fleet.Failure{Class: class, Op: op, On: string(on), Err: err}
}

// errBad is what does not pass by itself.
var errBad = errors.New("it can't be used")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBad, fmt.Sprintf(format, args...))
}

// folder is a cluster's folder. Nothing that leads out of it is followed.
type folder struct {
	*os.Root
	*Delivery
	records map[fleet.ID]*record
}

func (d *Delivery) open(c *fleet.Cluster) (*folder, error) {
	above, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, plain(err)
	}
	defer above.Close()
	root, err := above.OpenRoot(string(c.Delivery.Files.Folder))
	if err != nil {
		return nil, plain(err)
	}
	f := &folder{Root: root, Delivery: d, records: map[fleet.ID]*record{}}
	written, err := f.readFile(recordFile, maxRecord)
	if err == nil && written != nil {
		if json.Unmarshal(written.Content, &f.records) != nil || slices.Contains(slices.Collect(maps.Values(f.records)), nil) {
			err = bad("%s is not as it was written; remove it to begin anew", recordFile)
		}
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

// plain is an error without the place of the daemon's folder.
func plain(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return fmt.Errorf("%s: %w", filepath.Base(p.Path), p.Err)
	}
	return err
}

// read is the file at a path, nil for none.
func (f *folder) read(p fleet.Path) (*file, error) {
	if err := transform.CheckPath(string(p)); err != nil {
		return nil, bad("%s %s", p, err)
	}
	return f.readFile(string(p), transform.MaxText)
}

func (f *folder) readFile(name string, most int64) (*file, error) {
	info, err := f.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, plain(err)
	case !info.Mode().IsRegular():
		return nil, bad("%s is no regular file", name)
	case info.Size() > most:
		return nil, bad("%s is larger than %d bytes", name, most)
	}
	in, err := f.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, plain(err)
	case int64(len(content)) > most:
		return nil, bad("%s is larger than %d bytes", name, most)
	}
	return &file{content, info.Mode().Perm()}, nil
}

// apply writes a change down, writes its files, and has them taken up.
func (f *folder) apply(ctx context.Context, c cluster.Change) error {
	r := &record{
		Standing: fleet.Standing{Wants: c.Wants, Begun: true}, After: map[fleet.Path]string{}, Before: map[fleet.Path]*file{},
		Reload: c.Reload, Restarts: c.Restarts, Prior: f.records[c.Declaration],
	}
	if c.Ours && r.Prior != nil {
		r.PutBack = r.Prior.PuttingBack(f.Now())
	}
	after := map[fleet.Path]*file{}
	for _, e := range c.Edits {
		before, err := f.read(e.Path)
		if err != nil {
			return err
		}
		was, there := c.Was[e.Path]
		if there != (before != nil) || there && !bytes.Equal(was.Content, before.Content) {
			return &fleet.Failure{Class: fleet.Moved, Op: "write", On: string(e.Path), Err: errors.New("it is another than it was when it was read")}
		}
		r.Before[e.Path] = before
		if !e.Delete {
			after[e.Path] = &file{e.Content, 0o644}
			if before != nil {
				after[e.Path].Mode = before.Mode
			}
		}
		r.After[e.Path] = sumOf(after[e.Path])
	}
	if r.Prior != nil {
		for p, sum := range r.Prior.After { // what this change leaves as it is
			if _, now := r.After[p]; now {
				continue
			}
			if r.After[p] = sum; len(c.Edits) > 0 {
				continue
			}
			stands, err := f.read(p) // which is as declared, whoever wrote it
			if err != nil {
				return err
			}
			r.After[p] = sumOf(stands)
		}
	}
	f.records[c.Declaration] = r
	if err := f.save(); err != nil {
		return err
	}
	for _, e := range c.Edits {
		if err := f.put(e.Path, after[e.Path]); err != nil {
			return errors.Join(err, f.putBack(c.Declaration, r, ""))
		}
	}
	return f.finish(ctx, c.Declaration, r)
}

// resume ends what was begun: what was written to its end is taken up, and
// of anything less there is again what there was.
func (f *folder) resume(ctx context.Context, id fleet.ID, r *record) error {
	for p := range r.Before {
		now, err := f.read(p)
		if err != nil {
			return err
		}
		if sumOf(now) != r.After[p] {
			return f.putBack(id, r, "")
		}
	}
	return f.finish(ctx, id, r)
}

// finish has the files taken up, and writes down that they were.
func (f *folder) finish(ctx context.Context, id fleet.ID, r *record) error {
	restart, reload := false, false
	for p := range r.Before {
		if slices.Contains(r.Restarts, p) {
			restart = true
		} else {
			reload = true
		}
	}
	if r.Prior != nil && r.Prior.Restart {
		restart = true // and nobody knows whether it has been
	}
	if reload && r.Reload == "" {
		restart, reload = true, false
	}
	if reload {
		if err := f.Delivery.Reload(ctx, r.Reload); err != nil {
			refused := ""
			if fleet.ClassOf(err) == fleet.Permanent {
				refused = err.Error()
			}
			back := f.putBack(id, r, refused)
			if refused != "" { // it runs with what it had; this is for those that read the files anew
				_ = f.Delivery.Reload(ctx, r.Reload)
			}
			return errors.Join(err, back)
		}
	}
	f.records[id] = &record{Standing: fleet.Standing{Wants: r.Wants, At: f.Now(), Restart: restart, PutBack: r.PutBack}, After: r.After}
	return f.save()
}

// putBack has again what there was before, but for what somebody else has written
// since, and writes down why: that what runs there refused it, or nothing.
func (f *folder) putBack(id fleet.ID, r *record, refused string) error {
	left := map[fleet.Path]string{}
	for _, p := range slices.Sorted(maps.Keys(r.Before)) {
		now, err := f.read(p)
		if err != nil {
			return err
		}
		if sumOf(now) == r.After[p] && sumOf(now) != sumOf(r.Before[p]) {
			if err := f.put(p, r.Before[p]); err != nil {
				return err
			}
			now = r.Before[p]
		}
		left[p] = sumOf(now)
	}
	switch {
	case refused != "":
		f.records[id] = &record{Standing: fleet.Standing{Wants: r.Wants, At: f.Now(), Refused: refused}, After: left}
	case r.Prior != nil:
		f.records[id] = r.Prior
	default:
		delete(f.records, id)
	}
	return f.save()
}

// save writes the records down.
func (f *folder) save() error {
	if len(f.records) == 0 {
		if _, err := f.Lstat(recordFile); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return f.put(recordFile, nil)
	}
	content, err := json.MarshalIndent(f.records, "", " ")
	if err != nil {
		return err
	}
	return f.put(recordFile, &file{append(content, '\n'), 0o600})
}

// put has a file be so, in one; nil is that there is none.
func (f *folder) put(p fleet.Path, is *file) error {
	name := string(p)
	if is == nil {
		return plain(f.Disk.Do("remove", name, func() error { return f.Remove(name) }))
	}
	temporary := path.Join(path.Dir(name), "."+path.Base(name)+".portreeve")
	err := f.Disk.Do("make", temporary, func() error {
		if err := f.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was killed
			return err
		}
		return nil
	})
	if err != nil {
		return plain(err)
	}
	out, err := f.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, is.Mode)
	if err != nil {
		return plain(err)
	}
	_, err = f.Disk.Write(temporary, out, is.Content)
	if err == nil {
		err = out.Chmod(is.Mode) // which the umask may have narrowed
	}
	if err == nil {
		err = keepOwner(f.Root, name, out)
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = f.Disk.Do("rename", name, func() error { return f.Rename(temporary, name) })
	}
	return plain(err)
}
