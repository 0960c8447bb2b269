//go:build !unix

package store

import "os"

// lockFile locks nothing where there is no flock.
func lockFile(*os.File) error { return nil }

func unlockFile(*os.File) error { return nil }
