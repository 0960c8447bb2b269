package gitrepo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
)

func TestNameOf(t *testing.T) {
	for remote, want := range map[string]string{
		"https://github.com/acme/ledger.git": "acme/ledger", "https://user:secret@forge.example:8443/acme/.github/": "acme/.github",
		"git@github.com:acme/ledger.git": "acme/ledger", "ssh://git@github.com/acme/ledger": "acme/ledger", "acme/ledger": "acme/ledger",
		"https://github.com/acme": "", "https://github.com/a/b/c": "", "/srv/git/ledger.git": "", "": "", "https://github.com/acme/a b": "",
	} {
		if got, ok := NameOf(remote); string(got) != want || ok != (want != "") {
			t.Errorf("NameOf(%q) = %q, %v", remote, got, ok)
		}
	}
}

func FuzzNameOf(f *testing.F) {
	f.Add("git@github.com:acme/ledger.git")
	f.Fuzz(func(t *testing.T, remote string) {
		if name, ok := NameOf(remote); ok && (strings.Count(string(name), "/") != 1 || !strings.Contains(remote, string(name))) {
			t.Errorf("%q: %q", remote, name)
		}
	})
}

func TestFindCheckout(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := FindCheckout(below); err == nil || !strings.Contains(err.Error(), "in no checkout") {
		t.Error(err)
	}
	repo, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FindCheckout(below); err == nil || !strings.Contains(err.Error(), "no remote") {
		t.Error(err)
	}
	for _, r := range []struct{ name, url, want string }{
		{"fork", "git@forge.example:kim/ledger.git", "kim/ledger"},
		{"origin", "https://kim:secret@forge.example/kim/origin", "kim/origin"},
		{"upstream", "https://forge.example/acme/ledger", "acme/ledger"},
	} {
		if _, err := repo.CreateRemote(&config.RemoteConfig{Name: r.name, URLs: []string{r.url}}); err != nil {
			t.Fatal(err)
		}
		if c, err := FindCheckout(below); err != nil || c.Root != dir || string(c.Repo) != r.want {
			t.Errorf("%+v, %v", c, err)
		}
	}
}
