package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge/sandbox/lines"
)

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// pullRow is a pull request in a list.
type pullRow struct {
	Repo, Title, Author, State, Checks string
	Number, Comments                   int
	Labels                             []string
	Updated                            time.Time
}

func rowOf(r *repo, p *pull) pullRow {
	return pullRow{
		Repo: string(r.name), Title: p.title, Author: p.author.login, State: stateOf(p), Number: p.number,
		Checks: strings.ToLower(rollup(r.checks(p.headOID))), Comments: len(p.comments), Labels: p.labels, Updated: p.updated,
	}
}

func stateOf(p *pull) string {
	if p.draft && p.state == fleet.PullOpen {
		return "draft"
	}
	return string(p.state)
}

type repoRow struct {
	Name, Checks      string
	Archived, Private bool
	Topics            []string
	Open              []pullRow
	Merged, Closed    int
}

func (p *pages) index(r *http.Request) (string, any, error) {
	owner := r.PathValue("owner")
	var rows []repoRow
	open := 0
	for _, one := range p.forge.all() {
		if owner != "" && !strings.EqualFold(owner, one.name.Owner()) {
			continue
		}
		err := one.do(func(r *repo) error {
			row := repoRow{Name: string(r.name), Archived: r.archived, Private: r.private, Topics: r.topics}
			row.Checks = strings.ToLower(rollup(r.checks(r.heads[r.defaultBranch])))
			for _, pr := range slices.Backward(r.pulls) {
				switch pr.state {
				case fleet.PullOpen:
					row.Open = append(row.Open, rowOf(r, pr))
				case fleet.PullMerged:
					row.Merged++
				default:
					row.Closed++
				}
			}
			open += len(row.Open)
			rows = append(rows, row)
			return nil
		})
		if err != nil {
			return "", nil, err
		}
	}
	if owner != "" && rows == nil {
		return "", nil, notFound()
	}
	return "index.html", obj{"Title": "Repos", "Repos": rows, "Summary": plural(len(rows), "repo") + ", " + plural(open, "open pull request")}, nil
}

type fileRow struct {
	Path string
	Link bool
}

type commitRow struct {
	ID, Short, Message, Author string
	When                       time.Time
}

func (p *pages) repo(q *http.Request) (name string, data any, err error) {
	err = p.forge.with(repoOf(q), func(r *repo) error {
		out := obj{
			"Title": string(r.name), "Repo": string(r.name), "Archived": r.archived, "Topics": r.topics,
			"Branch": r.defaultBranch, "Branches": slices.Sorted(maps.Keys(r.heads)), "Clone": baseOf(q) + "/" + string(r.name) + ".git",
		}
		var issues []fleet.Issue
		for _, i := range slices.Backward(r.issues) {
			issues = append(issues, r.showIssue(i))
		}
		var rows, queued []pullRow
		for _, pr := range slices.Backward(r.pulls) {
			rows = append(rows, rowOf(r, pr))
		}
		for _, e := range r.queue {
			queued = append(queued, rowOf(r, e.pull))
		}
		out["Issues"] = issues
		out["Pulls"], out["Queue"], out["Queued"] = rows, r.rules.Queue, queued
		data = out
		tip := r.heads[r.defaultBranch]
		if tip.IsZero() {
			return nil
		}
		files, commits, err := r.browse(tip)
		out["Files"], out["Commits"], out["Checks"] = files, commits, checkRows(r, tip)
		return err
	})
	return "repo.html", data, err
}

// browse lists a commit's files, and it with the commits before it.
func (r *repo) browse(tip plumbing.Hash) ([]fileRow, []commitRow, error) {
	c, err := r.git.commit(tip)
	if err != nil {
		return nil, nil, err
	}
	all, err := r.git.diff(plumbing.ZeroHash, c.TreeHash)
	if err != nil {
		return nil, nil, err
	}
	var files []fileRow
	for _, f := range all[:min(len(all), 2000)] {
		files = append(files, fileRow{f.path, f.new.Mode == filemode.Regular || f.new.Mode == filemode.Executable})
	}
	var commits []commitRow
	for len(commits) < 15 {
		subject, _, _ := strings.Cut(c.Message, "\n")
		commits = append(commits, commitRow{c.Hash.String(), short(c.Hash), subject, c.Author.Name, c.Committer.When})
		if len(c.ParentHashes) == 0 {
			break
		}
		if c, err = r.git.commit(c.ParentHashes[0]); err != nil {
			return nil, nil, err
		}
	}
	return files, commits, nil
}

func (p *pages) file(q *http.Request) (name string, data any, err error) {
	err = p.forge.with(repoOf(q), func(r *repo) error {
		rev, path := q.PathValue("rev"), q.PathValue("path")
		c, err := r.resolve(rev)
		if err != nil {
			return notFound()
		}
		content, ok := r.git.readFile(c.TreeHash, path)
		if !ok {
			return notFound()
		}
		out := obj{
			"Title": path + " · " + string(r.name), "Repo": string(r.name), "Path": path, "Rev": rev, "Size": len(content),
			"Editable": rev == r.defaultBranch && !r.archived,
		}
		if utf8.Valid(content) {
			out["Lines"] = lines.Split(string(content))
		} else {
			out["Binary"] = true
		}
		data = out
		return nil
	})
	return "file.html", data, err
}

func (p *pages) editor(q *http.Request) (name string, data any, err error) {
	err = p.forge.with(repoOf(q), func(r *repo) error {
		path, content := q.PathValue("path"), []byte(nil)
		tip := r.heads[r.defaultBranch]
		if !tip.IsZero() {
			c, err := r.git.commit(tip)
			if err != nil {
				return err
			}
			content, _ = r.git.readFile(c.TreeHash, path)
		}
		if !utf8.Valid(content) {
			return &Refusal{Status: 422, Message: "This file is no text"}
		}
		data = obj{
			"Title": "Edit " + path, "Repo": string(r.name), "Path": path, "Branch": r.defaultBranch,
			"Content": string(content), "Head": tip.String(),
		}
		return nil
	})
	return "edit.html", data, err
}

type checkRow struct {
	Name, State, Text, URL string
	Required               bool
}

func checkRows(r *repo, h plumbing.Hash) []checkRow {
	var out []checkRow
	for _, k := range r.checks(h) {
		row := checkRow{Name: k.name, State: string(k.state()), Text: k.text, Required: r.requires(k)}
		if k.set {
			row.URL = k.url // html/template lets no other scheme than http, https and mailto through
		}
		out = append(out, row)
	}
	return out
}

type diffFile struct {
	Path, Status   string
	Added, Deleted int
	Binary         bool
	Hunks          []lines.Hunk
}

func diffFiles(r *repo, changes []change) []diffFile {
	var out []diffFile
	for _, c := range changes[:min(len(changes), 300)] {
		f := diffFile{Path: c.path, Status: c.status()}
		before, after, ok := r.git.texts(c)
		if f.Binary = !ok; ok {
			f.Added, f.Deleted = lines.Stat(before, after)
			f.Hunks = lines.Unified(before, after)
		}
		out = append(out, f)
	}
	return out
}

func (p *pages) commit(q *http.Request) (name string, data any, err error) {
	err = p.forge.with(repoOf(q), func(r *repo) error {
		c, err := r.resolve(q.PathValue("sha"))
		if err != nil {
			return notFound()
		}
		from := plumbing.ZeroHash
		if len(c.ParentHashes) > 0 {
			parent, err := r.git.commit(c.ParentHashes[0])
			if err != nil {
				return err
			}
			from = parent.TreeHash
		}
		changes, err := r.git.diff(from, c.TreeHash)
		data = obj{
			"Title": short(c.Hash) + " · " + string(r.name), "Repo": string(r.name), "ID": c.Hash.String(), "Message": c.Message,
			"Author": c.Author.Name, "When": c.Committer.When, "Checks": checkRows(r, c.Hash), "Files": diffFiles(r, changes),
		}
		return err
	})
	return "commit.html", data, err
}

type talkRow struct {
	Author, Body, Verb string
	Bot                bool
	When               time.Time
}

// words say what happened; merged tells the closing that was a merge.
func (e event) words(merged bool) string {
	switch {
	case merged:
		return "merged this"
	case e.kind == eventForced:
		return "rewrote the branch"
	case e.kind == eventEnqueued:
		return "added this to the merge queue"
	case e.kind == eventDequeued:
		return "took this out of the merge queue (" + strings.ReplaceAll(e.reason, "_", " ") + ")"
	}
	return "closed this"
}

// talk is what was said about a pull request, oldest first.
func talk(p *pull) []talkRow {
	var out []talkRow
	for _, c := range p.comments {
		out = append(out, talkRow{c.by.login, c.body, "commented", c.by.bot, c.at})
	}
	for _, v := range p.reviews {
		verb := map[string]string{"APPROVED": "approved", "CHANGES_REQUESTED": "requested changes"}[v.state]
		if verb == "" {
			verb = "reviewed"
		}
		out = append(out, talkRow{v.by.login, v.body, verb, v.by.bot, v.at})
	}
	for _, t := range p.threads {
		verb := "began a conversation"
		if t.resolved {
			verb += ", resolved since,"
		}
		out = append(out, talkRow{t.by.login, t.body, verb, t.by.bot, t.at})
	}
	for i, e := range p.events {
		out = append(out, talkRow{e.by.login, "", e.words(i == len(p.events)-1 && p.state == fleet.PullMerged), e.by.bot, e.at})
	}
	slices.SortStableFunc(out, func(a, b talkRow) int { return a.When.Compare(b.When) })
	return out
}

// placeOf says where in the queue an entry is; empty for none.
func placeOf(e *queueEntry) string {
	if e == nil {
		return ""
	}
	text := fmt.Sprintf("Number %d in the merge queue, put there by %s", e.position(), e.by.login)
	if !e.head.IsZero() {
		text += fmt.Sprintf("; checks run on %s, which is it merged into the base's newest commit", short(e.head))
	}
	return text + "."
}

func (p *pages) issue(q *http.Request) (name string, data any, err error) {
	n, _ := strconv.Atoi(q.PathValue("number"))
	err = p.forge.with(repoOf(q), func(r *repo) error {
		i, err := r.issue(n)
		if err != nil {
			return err
		}
		out := obj{
			"Title": fmt.Sprintf("%s · #%d · %s", i.title, i.number, r.name), "Repo": string(r.name), "Issue": r.showIssue(i), "State": "open",
			"Author": i.author.login, "Bot": i.author.bot, "Created": i.created,
		}
		if !i.closed.IsZero() {
			out["State"], out["Closed"], out["ClosedBy"] = "closed", i.closed, i.closedBy.login
		}
		data = out
		return nil
	})
	return "issue.html", data, err
}

func (p *pages) pull(q *http.Request) (name string, data any, err error) {
	n, _ := strconv.Atoi(q.PathValue("number"))
	err = p.forge.withPull(repoOf(q), n, func(r *repo, pr *pull) error {
		changes, err := r.changes(pr)
		if err != nil {
			return err
		}
		out := obj{
			"Title": fmt.Sprintf("%s · #%d · %s", pr.title, pr.number, r.name), "Repo": string(r.name), "Row": rowOf(r, pr), "Body": pr.body,
			"Head": pr.head, "Base": pr.base, "Commit": pr.headOID.String(), "Bot": pr.author.bot, "Created": pr.created,
			"Open": pr.state == fleet.PullOpen, "Closed": pr.state == fleet.PullClosed, "Checks": checkRows(r, pr.headOID),
			"Talk": talk(pr), "Files": diffFiles(r, changes), "Changed": plural(len(changes), "changed file"), "Methods": r.methods,
			"Self": pr.author.login == pageUser,
		}
		if pr.state == fleet.PullOpen {
			out["Queue"], out["Queued"] = r.rules.Queue && pr.base == r.defaultBranch, placeOf(pr.entry())
			out["Unresolved"] = slices.ContainsFunc(pr.threads, func(t thread) bool { return !t.resolved })
			if pr.autoMerge != nil {
				out["AutoMerge"] = pr.autoMerge.login
			}
			err := r.canMerge(pr, mergeRequest{method: r.methods[0]})
			if err == nil && out["Queue"] == true {
				err = r.obeysRules(pr)
			} else if err == nil {
				err = r.forbids(pr, r.methods[0])
			}
			if err != nil {
				out["Blocked"] = err.Error()
			}
			out["Conflicts"] = pr.merging.conflicts
		}
		data = out
		return nil
	})
	return "pull.html", data, err
}
