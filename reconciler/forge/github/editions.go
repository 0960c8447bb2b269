package github

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/forge"
)

type editionsAnswer struct {
	DefaultBranchRef *struct {
		Target struct {
			History nodes[editionAnswer] `json:"history"`
		} `json:"target"`
	} `json:"defaultBranchRef"`
}

type editionAnswer struct {
	Oid           string    `json:"oid"`
	Message       string    `json:"message"`
	CommittedDate time.Time `json:"committedDate"`
	Author        struct {
		Name string `json:"name"`
		User *struct {
			Login string `json:"login"`
		} `json:"user"`
	} `json:"author"`
	File *struct {
		object
		Object struct {
			Text        *string `json:"text"`
			IsTruncated bool    `json:"isTruncated"`
		} `json:"object"`
	} `json:"file"`
	Pulls *nodes[struct {
		HeadRefName string `json:"headRefName"`
	}] `json:"associatedPullRequests"`
}

// Editions reads the history of files, 25 a query.
func (c *Client) Editions(ctx context.Context, files []forge.File) map[forge.File]forge.Answer[[]fleet.Edition] {
	b := &batch[forge.File, []fleet.Edition]{
		c: c, op: "read who changed a file", pacer: &c.files, ask: c.askEditions,
		on: func(f forge.File) string { return string(f.Repo) },
	}
	return b.run(ctx, files)
}

func (c *Client) askEditions(ctx context.Context, files []forge.File) (map[forge.File]forge.Answer[[]fleet.Edition], error) {
	type answer = forge.Answer[[]fleet.Edition]
	out := make(map[forge.File]answer, len(files))
	q := newQuery("Editions")
	for i, f := range files {
		owner, short, err := name(f.Repo)
		if err != nil {
			out[f] = answer{Err: err}
			continue
		}
		path := q.str(string(f.Path))
		q.repo(alias(i), owner, short, "defaultBranchRef{target{...on Commit{history(first:"+strconv.Itoa(forge.MostEditions)+",path:"+path+
			"){nodes{oid message committedDate author{name user{login}} file(path:"+path+"){oid object{...on Blob{text isTruncated}}} associatedPullRequests(first:1){nodes{headRefName}}}}}}}")
	}
	if len(out) == len(files) {
		return out, nil
	}
	got, err := c.ask(ctx, q, 1+len(files)*(1+forge.MostEditions)/100)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if out[f].Err != nil {
			continue
		}
		var a editionsAnswer
		switch err := got.into(alias(i), &a); {
		case err != nil:
			out[f] = answer{Err: err}
		case a.DefaultBranchRef == nil:
			out[f] = answer{}
		default:
			out[f] = answer{Value: editions(a.DefaultBranchRef.Target.History.Nodes)}
		}
	}
	return out, nil
}

func editions(all []editionAnswer) (out []fleet.Edition) {
	for _, a := range all {
		e := fleet.Edition{Commit: fleet.CommitID(a.Oid), Message: a.Message, By: readable(a.Author.Name), At: a.CommittedDate.UTC()}
		if a.Author.User != nil {
			e.By = cmp.Or(a.Author.User.Login, e.By)
		}
		if a.File != nil {
			e.Blob = fleet.BlobID(a.File.Oid)
			if o := a.File.Object; o.Text != nil && !o.IsTruncated && len(*o.Text) <= fleet.MaxEditionText {
				e.Text = []byte(*o.Text)
			}
		}
		if a.Pulls != nil && len(a.Pulls.Nodes) > 0 {
			e.Branch = strings.TrimSpace(a.Pulls.Nodes[0].HeadRefName)
		}
		out = append(out, e)
	}
	return out
}
