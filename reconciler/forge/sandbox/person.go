package sandbox

import (
	"cmp"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

// Person acts as a person does on the forge: no limits apply. Its errors are
// *Refusal where the forge refuses.
type Person struct {
	forge *Forge
	user  *user
}

// Person gives the acts of a person.
func (f *Forge) Person(login string) *Person { return &Person{f, f.user(login)} }

func (p *Person) pull(name fleet.RepoName, number int, do func(*repo, *pull) error) error {
	return p.forge.withPull(name, number, do)
}

func (f *Forge) withPull(name fleet.RepoName, number int, do func(*repo, *pull) error) error {
	return f.with(name, func(r *repo) error {
		pr, err := r.pull(number)
		if err != nil {
			return err
		}
		return do(r, pr)
	})
}

// OpenPull opens a pull request and gives its number.
func (p *Person) OpenPull(name fleet.RepoName, n forge.NewPull) (number int, err error) {
	err = p.forge.with(name, func(r *repo) error {
		n.Base = cmp.Or(n.Base, r.defaultBranch)
		pr, err := r.openPull(p.user, n, false)
		if err == nil {
			number = pr.number
		}
		return err
	})
	return number, err
}

// Merge merges a pull request, as far as the rules let it.
func (p *Person) Merge(name fleet.RepoName, number int, method fleet.MergeMethod) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		_, err := r.mergePull(p.user, pr, mergeRequest{method: method})
		return err
	})
}

// Close closes a pull request without merging it.
func (p *Person) Close(name fleet.RepoName, number int) error {
	return p.pull(name, number, func(r *repo, pr *pull) error { return r.close(p.user, pr) })
}

// Reopen reopens a closed pull request, if its branch still exists.
func (p *Person) Reopen(name fleet.RepoName, number int) error {
	return p.pull(name, number, func(r *repo, pr *pull) error { return r.reopen(p.user, pr) })
}

// Comment comments on a pull request.
func (p *Person) Comment(name fleet.RepoName, number int, body string) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		_, err := r.comment(p.user, pr, body)
		return err
	})
}

// Approve approves a pull request at its present head.
func (p *Person) Approve(name fleet.RepoName, number int) error {
	return p.review(name, number, "APPROVED", "")
}

// RequestChanges asks for changes of a pull request.
func (p *Person) RequestChanges(name fleet.RepoName, number int, body string) error {
	return p.review(name, number, "CHANGES_REQUESTED", body)
}

func (p *Person) review(name fleet.RepoName, number int, state, body string) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		_, err := r.review(p.user, pr, state, body)
		return err
	})
}

// Retitle changes a pull request's title.
func (p *Person) Retitle(name fleet.RepoName, number int, title string) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		_, err := r.edit(p.user, pr, title, pr.body)
		return err
	})
}

// Unlabel takes a label off a pull request.
func (p *Person) Unlabel(name fleet.RepoName, number int, label string) error {
	return p.pull(name, number, func(r *repo, pr *pull) error {
		n := len(pr.labels)
		pr.labels = slices.DeleteFunc(slices.Clone(pr.labels), func(l string) bool { return l == label })
		if len(pr.labels) == n {
			return notFound()
		}
		pr.touch(p.user, "unlabel", label)
		return nil
	})
}

// Draft makes a pull request a draft, or ready for review.
func (p *Person) Draft(name fleet.RepoName, number int, draft bool) error {
	return p.pull(name, number, func(_ *repo, pr *pull) error {
		if pr.draft != draft {
			pr.draft = draft
			pr.touch(p.user, "edit", "draft")
		}
		return nil
	})
}

// CommitFile commits one file on a branch, which is made from the default
// branch if it does not exist; an empty branch is the default branch.
func (p *Person) CommitFile(name fleet.RepoName, branch, path, content, message string) (fleet.CommitID, error) {
	return p.CommitFiles(name, branch, map[string]*File{path: {Content: content}}, message)
}

// CommitFiles is CommitFile for many; a nil File deletes.
func (p *Person) CommitFiles(name fleet.RepoName, branch string, files map[string]*File, message string) (fleet.CommitID, error) {
	var id fleet.CommitID
	err := p.forge.with(name, func(r *repo) error {
		if err := r.writable(); err != nil {
			return err
		}
		for path := range files {
			if err := checkPath(path); err != nil {
				return err
			}
		}
		h, err := r.commitOn(p.user, cmp.Or(branch, r.defaultBranch), files, message)
		if err != nil {
			return err
		}
		id = fleet.CommitID(h.String())
		return r.sync(p.user)
	})
	return id, err
}

// commitOn commits files on a branch, made from the default branch if need
// be. The caller syncs.
func (r *repo) commitOn(who *user, branch string, files map[string]*File, message string) (plumbing.Hash, error) {
	ref := plumbing.NewBranchReferenceName(branch)
	if err := ref.Validate(); err != nil {
		return plumbing.ZeroHash, &Refusal{Status: 422, Message: "branch name is malformed"}
	}
	heads, err := r.git.heads()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	parent := heads[branch]
	if parent.IsZero() {
		parent = heads[r.defaultBranch]
	}
	sig := r.signature(who)
	c := &object.Commit{Author: sig, Committer: sig, Message: message + "\n"}
	var tree plumbing.Hash
	if !parent.IsZero() {
		on, err := r.git.commit(parent)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree, c.ParentHashes = on.TreeHash, []plumbing.Hash{parent}
	}
	if c.TreeHash, err = r.git.edit(tree, files); err != nil {
		return plumbing.ZeroHash, err
	}
	h, err := r.git.writeCommit(c)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return h, r.git.SetReference(plumbing.NewHashReference(ref, h))
}

// DeleteBranch deletes a branch; pull requests from it are closed.
func (p *Person) DeleteBranch(name fleet.RepoName, branch string) error {
	return p.forge.with(name, func(r *repo) error { return r.deleteBranch(p.user, branch) })
}

func (r *repo) deleteBranch(who *user, branch string) error {
	if err := r.writable(); err != nil {
		return err
	}
	if r.heads[branch].IsZero() {
		return &Refusal{Status: 422, Message: "Reference does not exist"}
	}
	if branch == r.defaultBranch {
		return &Refusal{Status: 422, Message: "Cannot delete the default branch"}
	}
	if err := r.git.RemoveReference(plumbing.NewBranchReferenceName(branch)); err != nil {
		return err
	}
	return r.sync(who)
}

// SetStatus sets a commit status of any context.
func (p *Person) SetStatus(name fleet.RepoName, commit fleet.CommitID, context string, s fleet.CommitStatus) error {
	return p.forge.with(name, func(r *repo) error {
		_, _, err := r.setStatus(p.user, plumbing.NewHash(string(commit)), status{
			context: context, state: s.State, description: s.Description, url: s.URL,
		})
		return err
	})
}

func (p *Person) settings(name fleet.RepoName, what string, set func(*repo)) error {
	return p.forge.with(name, func(r *repo) error {
		set(r)
		r.updated = p.forge.time()
		p.forge.wrote(p.user, "settings", r.name, 0, what)
		r.announceSettings(p.user, what)
		return nil
	})
}

// SetTopics replaces a repo's topics.
func (p *Person) SetTopics(name fleet.RepoName, topics ...string) error {
	return p.settings(name, "topics", func(r *repo) { r.topics = slices.Sorted(slices.Values(topics)) })
}

// SetRules replaces the rules of a repo's default branch.
func (p *Person) SetRules(name fleet.RepoName, rules Rules) error {
	return p.settings(name, "rules", func(r *repo) { r.rules = rules })
}

// SetCI replaces a repo's checks.
func (p *Person) SetCI(name fleet.RepoName, ci ...CheckSpec) error {
	return p.settings(name, "ci", func(r *repo) {
		r.ci = slices.Clone(ci)
		clear(r.verdicts)
	})
}

// SetPrivate hides a repo from those without access, or shows it to all.
func (p *Person) SetPrivate(name fleet.RepoName, private bool) error {
	return p.settings(name, "private", func(r *repo) { r.private = private })
}

// Generate makes a repo from a template: with its files, and a history of its
// own.
func (p *Person) Generate(template, name fleet.RepoName) error {
	files := map[string]File{}
	err := p.forge.with(template, func(r *repo) error {
		tip, err := r.git.commit(r.heads[r.defaultBranch])
		if err != nil {
			return err
		}
		all, err := tip.Files()
		if err != nil {
			return err
		}
		return all.ForEach(func(f *object.File) error {
			content, err := f.Contents()
			files[f.Name] = File{Content: content, Executable: f.Mode == filemode.Executable}
			return err
		})
	})
	if err != nil {
		return err
	}
	return p.forge.CreateRepo(Spec{Name: name, Files: files})
}

// Archive makes a repo read-only, or ends that.
func (p *Person) Archive(name fleet.RepoName, archived bool) error {
	return p.settings(name, "archived", func(r *repo) { r.archived = archived })
}

// DeleteRepo deletes a repo with all that it has; its Git storage stays on
// disk.
func (p *Person) DeleteRepo(name fleet.RepoName) error {
	return p.settings(name, "deleted", func(r *repo) { p.forge.forget(r) })
}
