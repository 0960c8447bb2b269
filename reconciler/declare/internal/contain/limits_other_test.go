//go:build !linux

package contain

func free() {}
