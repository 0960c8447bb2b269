package source

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher notices changes on a local disk: by the system's notifications, and
// by a slow look around, since those can be lost, refused or unsupported.
type watcher struct {
	// folders are what to watch, asked anew after each event: a folder that
	// was replaced or added is watched again. Only folders are, so a file that
	// is replaced by a rename can't take its watch with it.
	folders func() []string
	// stamp differs when what is read may differ.
	stamp func() string
	quiet time.Duration // without events before a look
	poll  time.Duration // between looks without any event
}

// settle is how long a watcher waits for an edit of many files to end, and
// atMost for how long it does so while events keep coming.
const (
	settle   = 100 * time.Millisecond
	atMost   = 10 // times settle
	lookOver = 10 * time.Second
)

func (w watcher) run(ctx context.Context, changed func()) error {
	var events chan fsnotify.Event
	var errs chan error
	notify, err := fsnotify.NewWatcher()
	if err == nil { // else looking around has to do
		defer notify.Close()
		events, errs = notify.Events, notify.Errors
	}
	watched := map[string]fs.FileInfo{}
	look := func() {
		if notify != nil {
			w.add(notify, watched)
		}
	}
	look()
	seen := w.stamp()
	changed()

	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	var due, limit <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			due = time.After(w.quiet)
			if limit == nil {
				limit = time.After(w.quiet * atMost)
			}
			continue
		case _, ok := <-errs:
			if !ok {
				errs = nil
			}
			due = time.After(w.quiet) // events were lost
			continue
		case <-due:
		case <-limit:
		case <-poll.C:
		}
		due, limit = nil, nil
		look()
		if stamp := w.stamp(); stamp != seen {
			seen = stamp
			changed()
		}
	}
}

// add watches all folders. One that stands where another stood is taken anew,
// since the watch has gone wherever the other went.
func (w watcher) add(notify *fsnotify.Watcher, watched map[string]fs.FileInfo) {
	for _, f := range w.folders() {
		info, err := os.Stat(f)
		if err != nil {
			continue
		}
		if before := watched[f]; before != nil && !os.SameFile(before, info) {
			_ = notify.Remove(f)
		}
		if notify.Add(f) == nil { // else too many: looking around has to do
			watched[f] = info
		}
	}
}

// foldersBelow lists root, its parent, and every folder below root but .git.
func foldersBelow(root string, all bool) []string {
	folders := []string{filepath.Dir(root)}
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		if !all && d.Name() == ".git" {
			return fs.SkipDir
		}
		folders = append(folders, p)
		return nil
	})
	return folders
}
