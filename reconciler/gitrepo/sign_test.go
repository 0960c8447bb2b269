package gitrepo

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/gitrepo/gitrepotest"
	"github.com/portreeve/portreeve/reconciler/transform"
)

const passphrase = "correct horse battery"

// tool runs a command that the test can't do without.
func tool(t *testing.T, env []string, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("no " + name)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, said.String())
	}
	return out
}

func sshKey(t *testing.T, kind, pass string) (key []byte, public string) {
	file := filepath.Join(t.TempDir(), "key")
	tool(t, nil, "ssh-keygen", "-q", "-t", kind, "-N", pass, "-C", "reeve", "-f", file)
	key, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pub)
}

// pushSigned pushes a commit that is signed, with a message that tries to
// look like a header, to a repo whose git then says whether it is.
func pushSigned(t *testing.T, signer Signer) (*gitrepotest.Server, fleet.CommitID) {
	t.Helper()
	srv := gitrepotest.NewServer(t)
	at := srv.Create("r", map[string]string{"a": "1"})
	r := remote(srv, "r")
	edits := []transform.Edit{{Path: "a", Content: []byte("2")}}
	base := snapshot(t, r, at, CommitPaths(edits)...)
	c := New(Options{Signer: signer})
	made, err := c.Commit(base, edits, someone, func(fleet.TreeID) string {
		return "Change things\n\ngpgsig none\n\nWhy: because\n"
	})
	if err == nil {
		err = c.Push(t.Context(), r, made, RefUpdate{Branch: "main", Old: at, New: made.ID})
	}
	if err != nil {
		t.Fatal(err)
	}
	srv.Git("r", "fsck", "--strict")
	if got := srv.Git("r", "log", "-1", "--format=%B", "main"); got != "Change things\n\ngpgsig none\n\nWhy: because" {
		t.Errorf("git reads the message as %q", got)
	}
	return srv, made.ID
}

func TestGitVerifiesSSHSignatures(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		for _, pass := range []string{"", passphrase} {
			t.Run(kind+" "+pass, func(t *testing.T) {
				key, public := sshKey(t, kind, pass)
				signer, err := NewSigner(key, []byte(pass))
				if err != nil {
					t.Fatal(err)
				}
				srv, id := pushSigned(t, signer)
				verify := func(public string) (string, error) {
					allowed := filepath.Join(t.TempDir(), "allowed")
					if err := os.WriteFile(allowed, []byte(someone.Email+" "+public), 0o600); err != nil {
						t.Fatal(err)
					}
					out, err := exec.Command("git", "-C", srv.Dir("r"), "-c", "gpg.format=ssh",
						"-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", string(id)).CombinedOutput()
					return string(out), err
				}
				if out, err := verify(public); err != nil || !strings.Contains(out, `Good "git" signature for `+someone.Email) {
					t.Errorf("%v: %s", err, out)
				}
				_, other := sshKey(t, "ed25519", "")
				if out, err := verify(other); err == nil {
					t.Errorf("good for another key: %s", out)
				}
			})
		}
	}
}

// gpgHome makes an OpenPGP key in a home of its own.
func gpgHome(t *testing.T, pass string) (env []string, key []byte) {
	home, err := os.MkdirTemp("", "gpg") // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	env = []string{"GNUPGHOME=" + home}
	t.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "gpg-agent")
		stop.Env = append(os.Environ(), env...)
		_ = stop.Run()
		_ = os.RemoveAll(home)
	})
	quiet := []string{"--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", pass}
	tool(t, env, "gpg", append(quiet, "--quick-generate-key", "Portreeve <"+someone.Email+">", "ed25519", "sign", "never")...)
	return env, tool(t, env, "gpg", append(quiet, "--armor", "--export-secret-keys")...)
}

func TestGitVerifiesOpenPGPSignatures(t *testing.T) {
	for _, pass := range []string{"", passphrase} {
		t.Run(pass, func(t *testing.T) {
			env, key := gpgHome(t, pass)
			signer, err := NewSigner(key, []byte(pass))
			if err != nil {
				t.Fatal(err)
			}
			srv, id := pushSigned(t, signer)
			verify := exec.Command("git", "-C", srv.Dir("r"), "verify-commit", string(id))
			verify.Env = append(os.Environ(), env...)
			if out, err := verify.CombinedOutput(); err != nil || !strings.Contains(string(out), "Good signature") {
				t.Errorf("%v: %s", err, out)
			}
			stranger, _ := gpgHome(t, "")
			verify = exec.Command("git", "-C", srv.Dir("r"), "verify-commit", string(id))
			verify.Env = append(os.Environ(), stranger...)
			if out, err := verify.CombinedOutput(); err == nil {
				t.Errorf("good to one who doesn't have the key: %s", out)
			}
		})
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	locked, public := sshKey(t, "ed25519", passphrase)
	_, pgp := gpgHome(t, passphrase)
	for name, test := range map[string]struct {
		key  []byte
		pass string
		want error
	}{
		"nothing":               {nil, "", errNoKey},
		"something else":        {[]byte("password=hunter2"), "", errNoKey},
		"a public key":          {[]byte(public), "", errPublic},
		"no passphrase":         {locked, "", errLocked},
		"wrong passphrase":      {locked, "hunter2", errUnlock},
		"half a key":            {locked[:len(locked)/2], "", errNoKey},
		"pgp, no passphrase":    {pgp, "", errLocked},
		"pgp, wrong passphrase": {pgp, "hunter2", errUnlock},
		"pgp, half a key":       {pgp[:len(pgp)/2], "", errNoKey},
		"pgp, no key in it":     {[]byte("-----BEGIN PGP MESSAGE-----\n\nhunter2\n"), "", errNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := NewSigner(test.key, []byte(test.pass))
			if s != nil || !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("leaked: %v", err)
			}
		})
	}
}

type brokenSigner struct {
	sig []byte
	err error
}

func (b brokenSigner) Sign(io.Reader) ([]byte, error) { return b.sig, b.err }

func TestACommitThatCannotBeSignedIsNotMade(t *testing.T) {
	edits := []transform.Edit{{Path: "a", Content: []byte("2")}}
	for _, s := range []brokenSigner{{nil, errors.New("the token is unplugged")}, {[]byte(" \n"), nil}} {
		made, err := New(Options{Signer: s}).Commit(nil, edits, someone, say)
		wantClass(t, err, fleet.Permanent, "sign")
		if made != nil {
			t.Error("there is a commit")
		}
	}
}

func TestOneSignerForManyCommits(t *testing.T) {
	_, pgp := gpgHome(t, "")
	ssh, _ := sshKey(t, "rsa", "")
	for _, key := range [][]byte{pgp, ssh} {
		s, err := NewSigner(key, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := New(Options{Signer: s})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := c.Commit(nil, []transform.Edit{{Path: "a", Content: []byte("2")}}, someone, say); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
