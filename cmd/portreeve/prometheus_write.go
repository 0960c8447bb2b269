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
		for _, q := range a.Queues {
			for _, set := range differing(all[i], q) {
				// Each edit moves what stands behind it: it is read anew.
				config, err := o.declared(cmd.Context(), o.config)
				if config == nil {
					return outside(err)
				}
				d := config.Declaration(id)
				if d == nil || len(d.Frozen) > 0 {
					return &exitError{exitProblems, fmt.Errorf("%s is not valid any more; the last edit was of %s", id, set.field)}
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
				fmt.Fprintln(cmd.ErrOrStderr(), safe(fmt.Sprintf("%s: %s: %d, for %s", d.Pos.File, set.field, set.value, a.Cluster)))
			}
		}
	}
	if !wrote {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing to write: it is declared so, or there is no advice")
	}
	return nil
}

// setting is one to be written: "remoteWrite.mimir.maxShards".
type setting struct {
	queue, field string
	value        int
}

// differing are the settings that advice has otherwise than declared, of a queue
// that is declared. The bounds go in an order in which they never cross.
func differing(p placed, q advice.Queue) []setting {
	declared := map[string]string{}
	for _, s := range p.All {
		declared[s.Name] = s.Value
	}
	prefix := "remoteWrite." + q.Name + "."
	if q.Refused != "" || declared[prefix+"url"] == "" {
		return nil
	}
	var all []setting
	for _, s := range []setting{{q.Name, "maxShards", q.MaxShards}, {q.Name, "minShards", q.MinShards}, {q.Name, "capacity", q.Capacity}} {
		if is, ok := declared[prefix+s.field]; is == fmt.Sprint(s.value) || !ok && s.field == "capacity" && s.value == 10_000 {
			continue // as it is, or Prometheus's own default
		}
		all = append(all, s)
	}
	if is := declared[prefix+"minShards"]; len(all) > 1 && is != "" {
		var least int
		if _, err := fmt.Sscan(is, &least); err == nil && least > q.MaxShards {
			slices.SortFunc(all, func(a, b setting) int { return strings.Compare(b.field, a.field) }) // minShards first
		}
	}
	return all
}

// placeFor is where a setting is written in a declaration, and the value in CUE.
func placeFor(d *fleet.Declaration, cluster fleet.ClusterName, alone bool, s setting) (at []string, value string, err error) {
	below := []string{"settings", "remoteWrite", s.queue, s.field}
	value = fmt.Sprint(s.value)
	var written struct {
		Overrides []struct {
			Clusters fleet.ClusterSelection
			Settings struct {
				RemoteWrite map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(d.Kept), &written); err != nil {
		return nil, "", err
	}
	own := -1
	for i, o := range written.Overrides {
		only := len(o.Clusters.Labels) == 0 && slices.Equal(o.Clusters.Names, []fleet.ClusterName{cluster})
		if _, says := o.Settings.RemoteWrite[s.queue][s.field]; only || alone && says {
			own = i
		}
	}
	switch {
	case own >= 0:
		return append([]string{"overrides", fmt.Sprintf("[%d]", own)}, below...), value, nil
	case alone:
		return below, value, nil
	}
	entry := fmt.Sprintf("{clusters: names: [%q], settings: remoteWrite: %s: %s: %s}", cluster, declare.Label(s.queue), s.field, value)
	if written.Overrides == nil {
		return []string{"overrides"}, "[" + entry + "]", nil
	}
	return []string{"overrides", "[+]"}, entry, nil
}
