//go:build !unix

package contain

import (
	"os"
	"os/exec"
)

func group(*exec.Cmd) {}

func end(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func killed(*os.ProcessState) bool { return false }
