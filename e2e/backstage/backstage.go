// Package backstage runs Backstage's own backend, with the catalog alone, over
// a PostgreSQL of its own. Both are killed when a test ends.
package backstage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed server/package.json server/package-lock.json server/.npmrc server/index.js server/template.js
var server embed.FS

// Token lets read the catalog.
const Token = "a-token-that-may-read-the-catalog"

// Bounds of what others do.
const (
	installing = 5 * time.Minute
	starting   = 90 * time.Second
)

// Install puts what Backstage needs into the user's cache directory, once for
// each version of the lock, and gives the folder.
func Install() (string, error) { return installed() }

var installed = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	lock, err := server.ReadFile("server/package-lock.json")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "portreeve-e2e", fmt.Sprintf("backstage-%x", sha256.Sum256(lock))[:26])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	entries, err := server.ReadDir("server")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		text, err := server.ReadFile("server/" + e.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, e.Name()), text, 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	done := filepath.Join(dir, "node_modules", ".installed")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), installing)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return dir, os.WriteFile(done, nil, 0o644)
})

// CheckTemplates has Backstage say whether files are templates of its
// scaffolder.
func CheckTemplates(files ...string) error {
	dir, err := Install()
	if err != nil {
		return err
	}
	for i := range files {
		if files[i], err = filepath.Abs(files[i]); err != nil {
			return err
		}
	}
	cmd := exec.Command("node", append([]string{"template.js"}, files...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Server is one Backstage. Its address stays the same over restarts.
type Server struct {
	URL string

	program  string // the folder of the install
	dir      string
	port     int
	database *database
	lives    int // databases that it has had
	process  *exec.Cmd
}

// New prepares a Backstage below dir, which must be for everybody to read.
// Close ends it.
func New(dir string) (*Server, error) {
	program, err := Install()
	if err != nil {
		return nil, err
	}
	port, err := free()
	if err != nil {
		return nil, err
	}
	s := &Server{program: program, dir: dir, port: port, URL: fmt.Sprintf("http://127.0.0.1:%d", port), lives: 1}
	if err := s.Declare(""); err != nil {
		return nil, err
	}
	if s.database, err = startDatabase(dir); err != nil {
		return nil, err
	}
	return s, nil
}

// free is a port that nobody listens on now.
func free() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Declare sets what the catalog reads of its one file, in YAML.
func (s *Server) Declare(entities string) error {
	path := filepath.Join(s.dir, "entities.yaml")
	if err := os.WriteFile(path+".new", []byte(entities), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path) // never read half
}

// Empty gives it a new, empty database at its next start.
func (s *Server) Empty() { s.lives++ }

// Start starts it, with further locations of type url, and waits until it
// answers.
func (s *Server) Start(locations ...string) error {
	config := map[string]any{
		"app": map[string]any{"title": "Portreeve's tests", "baseUrl": s.URL},
		"backend": map[string]any{
			"baseUrl": s.URL,
			"listen":  map[string]any{"host": "127.0.0.1", "port": s.port},
			"auth": map[string]any{"externalAccess": []any{map[string]any{
				"type": "static", "options": map[string]any{"token": Token, "subject": "portreeve"},
				"accessRestrictions": []any{map[string]any{"plugin": "catalog", "permission": "catalog.entity.read"}},
			}}},
			"reading": map[string]any{"allow": allowed(locations)},
			"database": map[string]any{
				"client": "pg", "prefix": fmt.Sprintf("life_%d_", s.lives),
				"connection": map[string]any{"host": "127.0.0.1", "port": s.database.port, "user": databaseUser, "password": "none"},
			},
		},
		"catalog": map[string]any{
			"processingInterval": map[string]any{"seconds": 1},
			"locations":          s.locations(locations),
		},
	}
	text, err := json.Marshal(config) // which is YAML, too
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "app-config.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	s.process = exec.Command("node", "index.js", "--config", path)
	s.process.Dir, s.process.Stdout, s.process.Stderr = s.program, log, log
	s.process.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "NODE_ENV=production"}
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.process.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(starting); ; time.Sleep(100 * time.Millisecond) {
		_, err := s.Entities()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			s.Kill()
			return fmt.Errorf("it does not answer: %w\n%s", err, s.said())
		}
	}
}

func allowed(locations []string) []any {
	all := []any{}
	for _, l := range locations {
		if u, err := url.Parse(l); err == nil {
			all = append(all, map[string]any{"host": u.Host})
		}
	}
	return all
}

func (s *Server) locations(more []string) []any {
	rules := []any{map[string]any{"allow": []string{"Component", "Group", "User"}}}
	all := []any{map[string]any{"type": "file", "target": filepath.Join(s.dir, "entities.yaml"), "rules": rules}}
	for _, l := range more {
		all = append(all, map[string]any{"type": "url", "target": l, "rules": rules})
	}
	return all
}

// Entity is what a test looks at.
type Entity struct {
	Kind     string
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	Relations []struct{ Type, TargetRef string }
}

// Orphan says that nothing refers to it any more.
func (e Entity) Orphan() bool { return e.Metadata.Annotations["backstage.io/orphan"] == "true" }

// Owner is whom the catalog takes for the owner.
func (e Entity) Owner() string {
	for _, r := range e.Relations {
		if r.Type == "ownedBy" {
			return r.TargetRef
		}
	}
	return ""
}

// Entities are those of the catalog, by kind and name.
func (s *Server) Entities() (map[string]Entity, error) {
	req, err := http.NewRequest(http.MethodGet, s.URL+"/api/catalog/entities/by-query?limit=1000", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+Token)
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return nil, fmt.Errorf("%s: %s", res.Status, text)
	}
	var answer struct{ Items []Entity }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	all := map[string]Entity{}
	for _, e := range answer.Items {
		all[strings.ToLower(e.Kind)+" "+e.Metadata.Name] = e
	}
	return all, nil
}

// Await waits until the catalog is as wanted.
func (s *Server) Await(what string, wanted func(map[string]Entity) bool) error {
	var all map[string]Entity
	for end := time.Now().Add(starting); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var err error
		if all, err = s.Entities(); err == nil && wanted(all) {
			return nil
		}
	}
	return fmt.Errorf("the catalog never was so: %s; it is %+v\n%s", what, all, s.said())
}

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

// said is the end of its log, without the requests.
func (s *Server) said() string {
	b, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(string(b), "\n"), func(l string) bool { return strings.Contains(l, "incomingRequest") })
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// Kill kills it, as a power cut would. Its database stays.
func (s *Server) Kill() {
	if s.process != nil && s.process.Process != nil {
		_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
		_ = s.process.Wait()
	}
	s.process = nil
}

// Close ends it and its database.
func (s *Server) Close() {
	s.Kill()
	s.database.stop()
}

const databaseUser = "backstage"

// database is a PostgreSQL, which runs as another user where we are root: it
// refuses to be run by that.
type database struct {
	port    int
	process *exec.Cmd
}

// Find is the folder of PostgreSQL's programs.
func Find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("there is no PostgreSQL: install Debian's postgresql"))
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func startDatabase(dir string) (*database, error) {
	programs, err := Find()
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "pg")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	if who != nil {
		if err := os.Chown(data, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(programs, name), args...)
		cmd.Dir, cmd.Env = data, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + data, "LC_ALL=C"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
		return cmd
	}
	if out, err := command("initdb", "-D", data, "-A", "trust", "-U", databaseUser, "-E", "UTF8").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := free()
	if err != nil {
		return nil, err
	}
	d := &database{port: port}
	d.process = command("postgres", "-D", data, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1", "-k", "", "-c", "fsync=off")
	if err := d.process.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(starting); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return d, c.Close()
		}
		if time.Now().After(end) {
			d.stop()
			return nil, fmt.Errorf("postgres: %w", err)
		}
	}
}

// unprivileged is the user to run the database as, nil for our own.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err, err2)
}

func (d *database) stop() {
	if d == nil || d.process == nil {
		return
	}
	_ = d.process.Process.Signal(syscall.SIGQUIT) // at once, its children with it
	_ = d.process.Wait()
}

// Dir is a new folder that other users can read, below the system's temporary
// one.
func Dir() (string, error) {
	dir, err := os.MkdirTemp("", "portreeve-backstage-")
	return dir, cmp.Or(err, os.Chmod(dir, 0o755))
}
