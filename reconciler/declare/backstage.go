package declare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// backstageSpec is fleet.ownership.backstage as it is written.
type backstageSpec struct {
	URL       string
	Filter    []string
	Interval  int // minutes
	MaxShrink json.RawMessage
	Teams     map[string]fleet.TeamName
	Repos     map[string]fleet.RepoName
	Merge     fleet.MergePolicy
}

const backstageField = "ownership.backstage"

// catalogRef is a reference in full, as the catalog's own keys are.
var catalogRef = regexp.MustCompile(`^([a-z]+):[a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?$`)

// check says what the schema can't.
func (s *backstageSpec) check(v value) []fleet.Problem {
	if s == nil {
		return nil
	}
	var problems []fleet.Problem
	refs := func(field, kind string, keys []string) {
		for _, key := range keys {
			if m := catalogRef.FindStringSubmatch(strings.ToLower(key)); m == nil || m[1] != kind {
				at := fmt.Sprintf("%s.%s", backstageField, field)
				problems = append(problems, problem("bad-value", v.at(at), "fleet."+at, "",
					`found key %q, expected a reference such as "%s:default/payments"`, key, kind))
			}
		}
	}
	refs("teams", "group", slices.Sorted(maps.Keys(s.Teams)))
	refs("repos", "component", slices.Sorted(maps.Keys(s.Repos)))
	return problems
}

// settings are the same in our words, with the defaults.
func (s *backstageSpec) settings(v value) *fleet.Backstage {
	if s == nil {
		return nil
	}
	b := &fleet.Backstage{
		Pos: v.at(backstageField), URL: s.URL, Filter: s.Filter,
		Interval:  time.Duration(cmp.Or(s.Interval, 15)) * time.Minute,
		MaxShrink: share(s.MaxShrink, 10),
		Teams:     map[string]fleet.TeamName{}, Repos: map[string]fleet.RepoName{},
		Merge: cmp.Or(s.Merge, fleet.MergeManual),
	}
	for key, team := range s.Teams {
		b.Teams[strings.ToLower(key)] = team
	}
	for key, repo := range s.Repos {
		b.Repos[strings.ToLower(key)] = repo
	}
	return b
}
