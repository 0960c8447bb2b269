package sandbox

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// gitPath is a path of Git's smart HTTP protocol; ".git" may be left out.
var gitPath = regexp.MustCompile(`^/([^/]+/[^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$`)

func isGit(path string) bool { return gitPath.MatchString(path) }

// serveGit answers Git's smart HTTP protocol, fetches in versions 0 and 2.
func (s *skin) serveGit(w http.ResponseWriter, r *http.Request) {
	parts := gitPath.FindStringSubmatch(r.URL.Path)
	name, action := fleet.RepoName(parts[1]), parts[2]
	service := action
	if action == "info/refs" {
		service = r.URL.Query().Get("service")
	}
	who, err := s.identify(r)
	login := nobody.login
	if err == nil {
		login = who.login
	}
	counted := cmp.Or(map[string]string{"info/refs": "refs"}[action], action)
	s.forge.mu.Lock()
	s.forge.counts.Git[counted]++
	repo := s.forge.repos[key(name)]
	s.forge.mu.Unlock()
	q := Request{Kind: "git", Route: counted, Write: action == "git-receive-pack", Repo: name, Login: login}
	s.faulty(w, r, q, func(w http.ResponseWriter) {
		if err == nil {
			err = mayGit(repo, who, service)
		}
		if err != nil {
			refuseGit(w, refusalOf(err))
			return
		}
		if s.redirectGit(w, r, name, action) {
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
		switch action {
		case "info/refs":
			s.advertise(w, r, repo, service)
		case "git-upload-pack":
			s.uploadPack(w, r, repo)
		default:
			s.receivePack(w, r, repo, who)
		}
	})
}

func mayGit(r *repo, who *user, service string) error {
	write := service == "git-receive-pack"
	if !write && service != "git-upload-pack" {
		return &Refusal{Status: 403, Message: "Please upgrade your git client: dumb HTTP is not spoken here."}
	}
	if r == nil {
		if who == nobody {
			return &Refusal{Status: 401, Message: "Repository not found."}
		}
		return &Refusal{Status: 404, Message: "Repository not found."}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case who == nobody && (write || r.private):
		return &Refusal{Status: 401, Message: "Authentication is required."}
	case write && r.archived:
		return &Refusal{Status: 403, Message: "This repository was archived so it is read-only."}
	}
	return nil
}

func refuseGit(w http.ResponseWriter, r *Refusal) {
	if r.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Sandbox"`)
	}
	http.Error(w, r.Message, r.Status)
}

// command is git serving a repo's directory, away from anybody's
// configuration.
func (s *skin) command(r *http.Request, repo *repo, service string, args ...string) *exec.Cmd {
	args = append([]string{strings.TrimPrefix(service, "git-"), "--stateless-rpc"}, append(args, repo.dir)...)
	ctx := r.Context()
	if service == "git-receive-pack" {
		// A push that has arrived is carried out, also when its client is
		// gone: git killed in the middle would leave a torn ref.
		ctx = context.WithoutCancel(ctx)
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = gitEnv(s.forge.dir)
	if version := r.Header.Get("Git-Protocol"); version == "version=2" || version == "version=1" {
		cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+version)
	}
	return cmd
}

func (s *skin) advertise(w http.ResponseWriter, r *http.Request, repo *repo, service string) {
	var refs bytes.Buffer
	var err error
	if repo.dir == "" {
		err = advertiseMemory(r.Context(), repo, service, &refs)
	} else {
		cmd := s.command(r, repo, service, "--advertise-refs")
		cmd.Stdout = &refs
		err = cmd.Run()
	}
	if err != nil {
		refuseGit(w, &Refusal{Status: 500, Message: "The repo can't be read."})
		return
	}
	w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
	line := "# service=" + service + "\n"
	fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
	_, _ = w.Write(refs.Bytes())
}

// errTooLarge is a request's body beyond the bound.
var errTooLarge = errors.New("request is too large")

// gitBody reads a request's body, unpacked, up to the bound.
func (s *skin) gitBody(r *http.Request) ([]byte, error) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = unpacked
	}
	bound := cmp.Or(s.forge.currentLimits().GitBody, 256<<20)
	body, err := io.ReadAll(io.LimitReader(in, bound+1))
	if err == nil && int64(len(body)) > bound {
		err = errTooLarge
	}
	return body, err
}

func (s *skin) refuseBody(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, errTooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, err.Error(), status)
}

func (s *skin) uploadPack(w http.ResponseWriter, r *http.Request, repo *repo) {
	body, err := s.gitBody(r)
	if err != nil {
		s.refuseBody(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	if repo.dir == "" {
		if err := uploadMemory(r.Context(), repo, bytes.NewReader(body), w); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
		return
	}
	cmd := s.command(r, repo, "git-upload-pack")
	cmd.Stdin, cmd.Stdout = bytes.NewReader(body), w
	if err := cmd.Run(); err != nil {
		s.forge.access.line("git upload-pack %s: %v", repo.name, err)
	}
}

// receivePack holds the repo's lock, so that a push and a merge can't cross.
func (s *skin) receivePack(w http.ResponseWriter, r *http.Request, repo *repo, who *user) {
	body, err := s.gitBody(r)
	if err != nil {
		s.refuseBody(w, err)
		return
	}
	var out bytes.Buffer
	repo.mu.Lock()
	err = repo.sync(nobody)
	if err == nil {
		if repo.dir == "" {
			err = receiveMemory(r.Context(), repo, body, &out)
		} else {
			cmd := s.command(r, repo, "git-receive-pack")
			cmd.Stdin, cmd.Stdout = bytes.NewReader(body), &out
			if bad := cmd.Run(); bad != nil {
				s.forge.access.line("git receive-pack %s: %v", repo.name, bad)
			}
		}
	}
	if err == nil {
		err = repo.sync(who)
	}
	repo.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
	_, _ = w.Write(out.Bytes())
}
