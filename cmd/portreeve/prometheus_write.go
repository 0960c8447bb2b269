package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/members"
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
		settings := differing(all[i], a)
		if len(settings) == 0 {
			continue
		}
		config, err := o.declared(cmd.Context(), o.config) // anew: the last edit has moved what stands behind it
		if config == nil {
			return outside(err)
		}
		d := config.Declaration(id)
		if d == nil || len(d.Frozen) > 0 {
			return &exitError{exitProblems, fmt.Errorf("%s is not valid any more, by what was written for %s", id, advised[max(0, i-1)].Cluster)}
		}
		assigned, err := k.Assign(d, config, a.Cluster, settings)
		if err != nil {
			return &exitError{exitProblems, err}
		}
		text, err := root.ReadFile(d.Pos.File)
		if err != nil {
			return outside(withoutPath(err))
		}
		edited, err := declare.Assign(text, d.Pos, assigned)
		if err != nil {
			return &exitError{exitProblems, err}
		}
		if err := disk.Write(root, d.Pos.File, edited); err != nil {
			return outside(err)
		}
		wrote = true
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			fmt.Fprintln(cmd.ErrOrStderr(), safe(fmt.Sprintf("%s: %s: %v, for %s", d.Pos.File, name, settings[name], a.Cluster)))
		}
	}
	if !wrote {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing to write: it is declared so, or there is no advice")
	}
	return nil
}

// differing are the settings that advice has otherwise than declared.
func differing(p placed, a advisedPrometheus) map[string]any {
	declared := map[string]string{}
	for _, s := range p.All {
		declared[s.Name] = s.Value
	}
	all := map[string]any{}
	for _, q := range a.Queues {
		prefix := "remoteWrite." + q.Name + "."
		if q.Refused != "" || declared[prefix+"url"] == "" {
			continue
		}
		for field, value := range map[string]int{"maxShards": q.MaxShards, "minShards": q.MinShards, "capacity": q.Capacity} {
			is, ok := declared[prefix+field]
			if is == fmt.Sprint(value) || !ok && field == "capacity" && value == 10_000 {
				continue // as it is, or Prometheus's own default
			}
			all[prefix+field] = value
		}
	}
	// Its limit is declared as it comes to, in MiB.
	mebi := fmt.Sprintf("%dMiB", a.sizing.Limit(a.Process)>>20)
	if a.Process.Refused == "" && declared["runtime.memoryLimit"] != mebi {
		all["runtime.memoryLimit"] = a.Process.MemoryLimit
	}
	return all
}
