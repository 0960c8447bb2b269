package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/advice"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
)

// write writes advice into the declaration, and what was done to standard error.
func (o *observed) write(cmd *cobra.Command, name string, all []placed, advised []advisedPrometheus) error {
	root, err := os.OpenRoot(o.config)
	if err != nil {
		return outside(withoutPath(err))
	}
	defer root.Close()
	k, _ := members.Kinds().Find("prometheus")
	id := fleet.ID{Kind: k.Name, Name: name}
	wrote := false
	for i, a := range advised {
		for _, set := range differing(all[i], a) {
			// Each edit moves what stands behind it: it is read anew.
			config, err := o.declared(cmd.Context(), o.config)
			if config == nil {
				return outside(err)
			}
			d := config.Declaration(id)
			if d == nil || len(d.Frozen) > 0 {
				return &exitError{exitProblems, fmt.Errorf("%s is not valid any more; the last edit was of %s", id, set.field())}
			}
			at, value, err := placeFor(d, a.Cluster, len(k.Targets(d, config, nil)) == 1, set)
			if err != nil {
				return err
			}
			text, err := root.ReadFile(d.Pos.File)
			if err != nil {
				return outside(withoutPath(err))
			}
			edited, err := declare.Set(text, d.Pos, at, value)
			if err != nil {
				return &exitError{exitProblems, err}
			}
			if err := disk.Write(root, d.Pos.File, edited); err != nil {
				return outside(err)
			}
			wrote = true
			fmt.Fprintln(cmd.ErrOrStderr(), safe(fmt.Sprintf("%s: %s: %s, for %s", d.Pos.File, set.field(), set.value, a.Cluster)))
		}
	}
	if !wrote {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing to write: it is declared so, or there is no advice")
	}
	return nil
}

// setting is one to be written: its path in the settings, and its value in CUE.
type setting struct {
	path  []string
	value string
}

// field is its last name.
func (s setting) field() string { return s.path[len(s.path)-1] }

// differing are the settings that advice has otherwise than declared.
func differing(p placed, a advisedPrometheus) []setting {
	declared := map[string]string{}
	for _, s := range p.All {
		declared[s.Name] = s.Value
	}
	var all []setting
	for _, q := range a.Queues {
		all = append(all, differingQueue(declared, q)...)
	}
	// Its limit is declared as it comes to, in MiB.
	mebi := fmt.Sprintf("%dMiB", a.sizing.Limit(a.Process)>>20)
	if a.Process.Refused == "" && declared["runtime.memoryLimit"] != mebi {
		all = append(all, setting{[]string{"runtime", "memoryLimit"}, fmt.Sprintf("%q", a.Process.MemoryLimit)})
	}
	return all
}

// differingQueue are those of a queue that is declared. The bounds go in an order in
// which they never cross.
func differingQueue(declared map[string]string, q advice.Queue) []setting {
	prefix := "remoteWrite." + q.Name + "."
	if q.Refused != "" || declared[prefix+"url"] == "" {
		return nil
	}
	var all []setting
	for _, s := range []struct {
		field string
		value int
	}{{"maxShards", q.MaxShards}, {"minShards", q.MinShards}, {"capacity", q.Capacity}} {
		if is, ok := declared[prefix+s.field]; is == fmt.Sprint(s.value) || !ok && s.field == "capacity" && s.value == 10_000 {
			continue // as it is, or Prometheus's own default
		}
		all = append(all, setting{[]string{"remoteWrite", q.Name, s.field}, fmt.Sprint(s.value)})
	}
	if is := declared[prefix+"minShards"]; len(all) > 1 && is != "" {
		var least int
		if _, err := fmt.Sscan(is, &least); err == nil && least > q.MaxShards {
			slices.SortFunc(all, func(a, b setting) int { return strings.Compare(b.field(), a.field()) }) // minShards first
		}
	}
	return all
}

// placeFor is where a setting is written in a declaration, and the value in CUE.
func placeFor(d *fleet.Declaration, cluster fleet.ClusterName, alone bool, s setting) (at []string, value string, err error) {
	below := append([]string{"settings"}, s.path...)
	var written struct {
		Overrides []struct {
			Clusters fleet.ClusterSelection
			Settings map[string]any
		}
	}
	if err := json.Unmarshal([]byte(d.Kept), &written); err != nil {
		return nil, "", err
	}
	own := -1
	for i, o := range written.Overrides {
		only := len(o.Clusters.Labels) == 0 && slices.Equal(o.Clusters.Names, []fleet.ClusterName{cluster})
		if only || alone && says(o.Settings, s.path) {
			own = i
		}
	}
	switch {
	case own >= 0:
		return append([]string{"overrides", fmt.Sprintf("[%d]", own)}, below...), s.value, nil
	case alone:
		return below, s.value, nil
	}
	entry := fmt.Sprintf("{clusters: names: [%q], settings: ", cluster)
	for _, name := range s.path {
		entry += declare.Label(name) + ": "
	}
	entry += s.value + "}"
	if written.Overrides == nil {
		return []string{"overrides"}, "[" + entry + "]", nil
	}
	return []string{"overrides", "[+]"}, entry, nil
}

// says reports whether settings say something at a path.
func says(settings map[string]any, path []string) bool {
	v, ok := settings[path[0]]
	if len(path) == 1 || !ok {
		return ok
	}
	below, _ := v.(map[string]any)
	return says(below, path[1:])
}
