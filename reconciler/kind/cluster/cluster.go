// Package cluster is the kind "cluster": a place where configuration runs, and
// how it gets there. It edits nothing itself: other kinds are about clusters.
package cluster

import (
	"cmp"
	"encoding/json"
	"regexp"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
)

// self is what the member's own problems are told of.
var self = kind.Kind{Name: "cluster", Field: "clusters"}

var namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// New is the member.
func New() kind.Kind {
	k := self
	k.Doc = "A cluster, and how it gets its configuration."
	k.Holds = true
	k.Decode, k.Check, k.Targets, k.Want = decode, check, targets, want
	return k
}

// Spec is a decoded declaration.
type Spec struct {
	Owner    fleet.TeamName    `json:"owner"`
	Labels   map[string]string `json:"labels"`
	Delivery struct {
		PullRequest *struct {
			Repo   fleet.RepoName `json:"repo"`
			Folder string         `json:"folder"`
		} `json:"pullRequest"`
		Files *struct {
			Folder string `json:"folder"`
		} `json:"files"`
		Apply *struct {
			Context   string `json:"context"`
			Namespace string `json:"namespace"`
		} `json:"apply"`
	} `json:"delivery"`
}

func decode(source kind.Source) (kind.Decoded, []fleet.Problem) {
	s := &Spec{}
	if err := transform.DecodeFields(source.JSON, s); err != nil {
		return kind.Decoded{}, []fleet.Problem{source.FieldProblem(self, "bad-field", "", err)}
	}
	d := kind.Decoded{Owner: s.Owner, Refs: []fleet.Ref{{Field: "owner", Team: s.Owner}}}
	var problems []fleet.Problem
	report := func(code, field, hint, format string, args ...any) {
		problems = append(problems, source.Problem(self, code, field, hint, format, args...))
	}
	if s.Owner == "" {
		report("missing-field", "owner", "", "owner is required")
	}
	delivery, at, field := fleet.Delivery{}, "", ""
	pull, files, apply := s.Delivery.PullRequest, s.Delivery.Files, s.Delivery.Apply
	ways := 0
	for _, there := range []bool{pull != nil, files != nil, apply != nil} {
		if there {
			ways++
		}
	}
	switch {
	case ways > 1:
		report("bad-value", "delivery", "leave one", "delivery says twice how")
	case pull != nil:
		delivery.PullRequest = &fleet.PullDelivery{Repo: pull.Repo, Folder: fleet.Path(pull.Folder)}
		field, at = "delivery.pullRequest.folder", "folder "+pull.Folder+" of "+string(pull.Repo)
		if pull.Folder == "" {
			at = "the root of " + string(pull.Repo)
		} else if err := transform.CheckPath(pull.Folder); err != nil {
			report("bad-path", field, "", "folder %s", err)
		}
	case files != nil:
		delivery.Files = &fleet.FilesDelivery{Folder: fleet.Path(files.Folder)}
		field, at = "delivery.files.folder", "folder "+files.Folder+" of the daemon"
		if err := transform.CheckPath(files.Folder); err != nil {
			report("bad-path", field, "", "folder %s", err)
		}
	case apply != nil:
		delivery.Apply = &fleet.ApplyDelivery{Context: apply.Context, Namespace: cmp.Or(apply.Namespace, "portreeve")}
		field, at = "delivery.apply", "the cluster of context "+apply.Context
		if apply.Context == "" {
			at = "the cluster in which Portreeve runs"
		}
		if !namespaceName.MatchString(delivery.Apply.Namespace) {
			report("bad-value", "delivery.apply.namespace", "", `found namespace %q, expected 1 to 63 of a-z, 0-9 and "-", no "-" at an end`, apply.Namespace)
		}
	default:
		report("missing-field", "delivery", `for example pullRequest: repo: "acme/clusters"`, "delivery says not how")
	}
	if problems != nil {
		return d, problems
	}
	d.Refs = append(d.Refs, fleet.Ref{Field: field, Claim: at})
	d.Cluster = &fleet.Cluster{Labels: s.Labels, Delivery: delivery}
	d.Spec, d.Effect = s, json.RawMessage(`{}`)
	return d, nil
}

func check(d *fleet.Declaration, config *fleet.Config) []fleet.Problem {
	return append(kind.CheckTeam(self, d, config, "owner", d.Owner), kind.CheckClaims(self, d, config)...)
}

// targets are none: a cluster alone changes nothing.
func targets(*fleet.Declaration, *fleet.Config, []fleet.Repo) []kind.Candidate { return nil }

func want(*kind.Pass) (kind.Want, error) {
	return kind.Want{Out: "a cluster edits nothing itself"}, nil
}
