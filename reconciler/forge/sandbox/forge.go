package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/storage"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Forge is the forge. Its methods may be called from many goroutines.
type Forge struct {
	dir     string
	now     func() time.Time
	baseURL string
	access  accessLog
	hooks   hooks

	// mu guards what follows. A repo's own lock may be held when it is
	// taken, never the other way round.
	mu     sync.Mutex
	users  map[string]*user // by login in lower case
	tokens map[string]*user
	ends   map[string]time.Time     // of tokens that have an end
	apps   map[string]*app          // by id
	repos  map[fleet.RepoName]*repo // by name in lower case
	byID   map[string]*repo
	lastID int64
	counts Counts
	asked  int // requests of any kind
	decide func(Request) *FaultAnswer
	limits Limits
	meters map[string]*meter // by login

	bypass       map[*user]bool // who may merge whatever the rules say
	unprivileged map[*user]bool // from whom classic protection is hidden
	outsiders    map[*user]bool // who are members of no organisation
	uninformed   map[*user]bool // from whom it is hidden who may do what

	teams   map[string]*team // by name in lower case
	managed map[string]bool  // organisations of which Manage was said, likewise
}

// user is an identity. It is never changed once made.
type user struct {
	id    int64
	login string
	token string
	bot   bool
}

// nobody is who acts when a ref was moved in the storage itself.
var nobody = &user{login: "ghost"}

// New makes a forge without repos and users.
func New(o Options) (*Forge, error) {
	f := &Forge{
		dir: o.Dir, now: o.Now, baseURL: strings.TrimSuffix(o.URL, "/"), access: accessLog{w: o.Log},
		users: map[string]*user{}, tokens: map[string]*user{},
		ends: map[string]time.Time{}, apps: map[string]*app{},
		repos: map[fleet.RepoName]*repo{}, byID: map[string]*repo{}, lastID: 1000,
		counts: Counts{REST: map[string]int{}, Git: map[string]int{}, Member: map[string]int{}},
		limits: GitHubLimits(), meters: map[string]*meter{},
		bypass: map[*user]bool{}, unprivileged: map[*user]bool{}, uninformed: map[*user]bool{}, outsiders: map[*user]bool{},
		teams: map[string]*team{}, managed: map[string]bool{},
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.baseURL == "" {
		f.baseURL = "https://sandbox.invalid"
	}
	if o.Limits != nil {
		f.limits = *o.Limits
	}
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	}
	return f, nil
}

// AddUser makes an identity; requests that bear the token act as it. Every
// identity may write to every repo, whatever SetAccess says of its name.
func (f *Forge) AddUser(login, token string, bot bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := &user{id: f.nextID(), login: login, token: token, bot: bot}
	f.users[strings.ToLower(login)] = u
	if token != "" {
		f.tokens[token] = u
	}
}

// user finds an identity; one that nobody added is made, without a token.
func (f *Forge) user(login string) *user {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.users[strings.ToLower(login)]
	if u == nil {
		u = &user{id: f.nextID(), login: login}
		f.users[strings.ToLower(login)] = u
	}
	return u
}

// nextID needs f.mu.
func (f *Forge) nextID() int64 {
	f.lastID++
	return f.lastID
}

func (f *Forge) newID() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nextID()
}

// time is the clock as the forge's API shows it, in seconds.
func (f *Forge) time() time.Time { return f.now().UTC().Truncate(time.Second) }

func key(name fleet.RepoName) fleet.RepoName { return fleet.RepoName(strings.ToLower(string(name))) }

// with calls do with the repo's lock held and its pull requests brought up to
// date with its branches.
func (f *Forge) with(name fleet.RepoName, do func(*repo) error) error {
	f.mu.Lock()
	r := f.repos[key(name)]
	f.mu.Unlock()
	if r == nil {
		return notFound()
	}
	return r.do(do)
}

func (r *repo) do(act func(*repo) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.sync(nobody); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	return act(r)
}

// all are the repos, sorted by name.
func (f *Forge) all() []*repo {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]*repo, 0, len(f.repos))
	for name, r := range f.repos {
		if name == key(r.name) { // and not one of before
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *repo) int { return cmp.Compare(key(a.name), key(b.name)) })
	return out
}

// Storer is a repo's Git storage. Whoever writes refs to it acts as nobody.
func (f *Forge) Storer(name fleet.RepoName) (storage.Storer, error) {
	f.mu.Lock()
	r := f.repos[key(name)]
	f.mu.Unlock()
	switch {
	case r == nil:
		return nil, notFound()
	case r.dir != "":
		return openDisk(r.dir).Storer, nil
	}
	return r.git.Storer, nil
}

// Counts is what the forge was asked so far.
func (f *Forge) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts.clone()
}

// SetLimits changes the limits from now on; what was spent stays spent.
func (f *Forge) SetLimits(l Limits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits = l
}

// wrote records a change.
func (f *Forge) wrote(by *user, do string, name fleet.RepoName, number int, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Writes = append(f.counts.Writes, Write{
		N: len(f.counts.Writes) + 1, At: f.time(), By: by.login, Do: do, Repo: name, Number: number, Detail: detail,
	})
}

// Refusal is an act that the forge refuses, as GitHub would.
type Refusal struct {
	Status  int // HTTP status: 401, 403, 404, 405, 409, 422, 429
	Message string
	// Errors are GitHub's details of a 422.
	Errors []Detail

	limit LimitKind
	until time.Time
}

// Detail is one error of a refused request.
type Detail struct {
	Resource string `json:"resource"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message,omitempty"`
}

func (r *Refusal) Error() string {
	text := r.Message
	for _, d := range r.Errors {
		text += ": " + cmp.Or(d.Message, d.Field+" is "+d.Code)
	}
	return text
}

func notFound() error { return &Refusal{Status: 404, Message: "Not Found"} }

func invalid(resource, field, code, message string) error {
	return &Refusal{Status: 422, Message: "Validation Failed", Errors: []Detail{{resource, field, code, message}}}
}

// refusalOf gives any error the form of an answer.
func refusalOf(err error) *Refusal {
	if r := (*Refusal)(nil); errors.As(err, &r) {
		return r
	}
	return &Refusal{Status: 500, Message: "Server Error: " + err.Error()}
}
