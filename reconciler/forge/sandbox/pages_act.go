package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// maxForm bounds what a form may send.
const maxForm = 2 << 20

func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, &Refusal{Status: 400, Message: "The form can't be read"}
	}
	return r.PostForm, nil
}

// save commits an edited file to the default branch, unless it has moved on
// since the form was shown.
func (p *pages) save(w http.ResponseWriter, r *http.Request) {
	in, err := form(w, r)
	if err != nil {
		p.fail(w, err)
		return
	}
	name, path := repoOf(r), r.PathValue("path")
	if path == "" {
		path = in.Get("path")
	}
	// Browsers send each newline as CR LF, whatever the file had.
	content := strings.ReplaceAll(in.Get("content"), "\r\n", "\n")
	who := p.forge.user(pageUser)
	err = p.forge.with(name, func(r *repo) error {
		if err := r.writable(); err != nil {
			return err
		}
		if err := checkPath(path); err != nil {
			return err
		}
		if head := in.Get("head"); head != "" && head != r.heads[r.defaultBranch].String() {
			return &Refusal{Status: 409, Message: "The branch has moved on since you began to edit; load the file again."}
		}
		file := &File{Content: content}
		if in.Get("delete") != "" {
			file = nil
		}
		message := cmp.Or(strings.TrimSpace(in.Get("message")), "Update "+path)
		if _, err := r.commitOn(who, r.defaultBranch, map[string]*File{path: file}, message); err != nil {
			return err
		}
		return r.sync(who)
	})
	if err != nil {
		p.fail(w, err)
		return
	}
	http.Redirect(w, r, "/"+string(name), http.StatusSeeOther)
}

func (p *pages) closeIssue(w http.ResponseWriter, r *http.Request) {
	name := repoOf(r)
	n, _ := strconv.Atoi(r.PathValue("number"))
	if err := p.forge.Person(pageUser).CloseIssue(name, n); err != nil {
		p.fail(w, err)
		return
	}
	http.Redirect(w, r, "/"+string(name)+"/issues/"+strconv.Itoa(n), http.StatusSeeOther)
}

// act does what a button of a pull request's page says.
func (p *pages) act(w http.ResponseWriter, r *http.Request) {
	in, err := form(w, r)
	if err != nil {
		p.fail(w, err)
		return
	}
	name := repoOf(r)
	n, _ := strconv.Atoi(r.PathValue("number"))
	who := p.forge.Person(pageUser)
	body := strings.ReplaceAll(in.Get("body"), "\r\n", "\n")
	if body != "" && !slices.Contains([]string{"comment", "request-changes", "discuss"}, r.PathValue("act")) {
		err = who.Comment(name, n, body)
	}
	if err == nil {
		switch r.PathValue("act") {
		case "comment":
			err = who.Comment(name, n, body)
		case "approve":
			err = who.Approve(name, n)
		case "request-changes":
			err = who.RequestChanges(name, n, body)
		case "close":
			err = who.Close(name, n)
		case "reopen":
			err = who.Reopen(name, n)
		case "enqueue":
			err = who.Enqueue(name, n)
		case "dequeue":
			err = who.Dequeue(name, n)
		case "discuss":
			err = who.Discuss(name, n, body)
		case "resolve":
			err = who.Resolve(name, n)
		case "auto-merge":
			err = who.AutoMerge(name, n, in.Get("on") != "")
		case "merge":
			err = who.Merge(name, n, fleet.MergeMethod(cmp.Or(in.Get("method"), "merge")))
		default:
			err = notFound()
		}
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	http.Redirect(w, r, "/"+string(name)+"/pull/"+strconv.Itoa(n), http.StatusSeeOther)
}
