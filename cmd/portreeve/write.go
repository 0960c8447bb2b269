package main

import (
	"os"
	"path/filepath"

	"github.com/portreeve/portreeve/cmd/internal/disk"
)

// writeFile writes a file by its path, whole or not at all.
func writeFile(name string, data []byte) error {
	dir, base := filepath.Split(name)
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return err
	}
	defer root.Close()
	return disk.Write(root, base, data)
}
