package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/portreeve/portreeve/cmd/internal/disk"
	"github.com/portreeve/portreeve/cmd/internal/members"
	"github.com/portreeve/portreeve/reconciler/cluster"
	"github.com/portreeve/portreeve/reconciler/declare"
	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/schema"
)

func adoptPrometheusCommand() *cobra.Command {
	var a asking
	var config, checkout, name, object, version, format string
	var write bool
	cmd := &cobra.Command{
		Use:   "prometheus CLUSTER FILE",
		Short: "Declare the Prometheus that a cluster has already",
		Long: `Adopt prometheus reads a file of a cluster's repo, from a checkout of it, and makes a
declaration of the Prometheus in it: an object of prometheus-operator, a
HelmRelease or values of kube-prometheus-stack, or a prometheus.yml. It is tried:
the plan has nothing to do for it. What it can't declare so is listed and stays in
the file as it is. Of several, name the object with --object.

From a cluster with the delivery apply it reads the object itself, by the context in
--kubeconfig, and from one with the delivery files the file in its folder below
--files. The first apply then changes no value, and holds those that are declared.`,
		Example: `  portreeve adopt prometheus eu-1 eu-1/monitoring/stack.yaml --checkout ../clusters
  portreeve adopt prometheus ap-1 Prometheus/monitoring/k8s --kubeconfig ~/.kube/config --write
  portreeve adopt prometheus vm-1 prometheus.yml --files /srv/hosts --version 2.53.0 --write`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("adopt prometheus takes a cluster and what is there, as in: portreeve adopt prometheus eu-1 eu-1/monitoring/stack.yaml")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if write && isURL(config) {
				return usagef("--write writes into a folder, not into %s", config)
			}
			loaded, err := a.declared(cmd.Context(), config)
			if loaded == nil {
				return outside(err)
			}
			declared := loaded.Clusters[fleet.ClusterName(args[0])]
			if declared == nil {
				var known []string
				for c := range loaded.Clusters {
					known = append(known, string(c))
				}
				slices.Sort(known)
				return usagef("no cluster %q is declared%s", args[0], hinted(fleet.DidYouMean(args[0], known)))
			}
			k, _ := members.Kinds().Find("prometheus")
			from := kind.FileToAdopt{Config: loaded, Cluster: fleet.ClusterName(args[0]), Object: object, Version: version}
			if declared.Cluster.Delivery.Apply != nil {
				from.Tree, from.File, err = a.object(cmd.Context(), k, from.Cluster, declared.Cluster, args[1])
				if err != nil {
					return err
				}
			} else {
				if files := declared.Cluster.Delivery.Files; files != nil && a.files != "" {
					checkout = filepath.Join(a.files, filepath.FromSlash(string(files.Folder)))
				}
				root, err := os.OpenRoot(checkout) // no symlink leads out of it
				if err != nil {
					return usagef("--checkout: %w", withoutPath(err))
				}
				defer root.Close()
				from.Tree, from.File = root.FS(), fleet.Path(path.Clean(filepath.ToSlash(args[1])))
			}
			adopted, err := k.AdoptFile(from)
			if err != nil {
				return &exitError{exitProblems, err}
			}
			if name != "" {
				adopted.Name = name
			}
			text, err := draftOf(k, adopted)
			if err != nil {
				return err
			}
			file := path.Join(k.Field, adopted.Name+".cue")
			if format == "json" {
				return printJSON(cmd.OutOrStdout(), map[string]any{"file": file, "text": string(text), "left": adopted.Left})
			}
			for _, left := range adopted.Left {
				fmt.Fprintln(cmd.ErrOrStderr(), safe("stays as it is: "+left))
			}
			if !write {
				_, err := cmd.OutOrStdout().Write(text)
				return outside(err)
			}
			return writeNew(cmd, config, file, text)
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&config, "config", ".", "the config repo: `PATH` or URL")
	cmd.Flags().StringVar(&checkout, "checkout", ".", "the `FOLDER` of a checkout of the cluster's repo")
	cmd.Flags().StringVar(&name, "name", "", "the `NAME` of the declaration")
	cmd.Flags().StringVar(&object, "object", "", "the `NAME` of the object in the file, where it holds more than one")
	cmd.Flags().StringVar(&version, "version", "", "the `VERSION` of Prometheus that runs, where the file does not say")
	cmd.Flags().BoolVar(&write, "write", false, "write the declaration into the config repo")
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

// object is an object of a cluster, alone in a tree, and its place there.
func (a *asking) object(ctx context.Context, k kind.Kind, name fleet.ClusterName, is *fleet.Cluster, object string) (fs.FS, fleet.Path, error) {
	at, err := k.ObjectNamed(object)
	if err != nil {
		return nil, "", &exitError{exitUsage, err}
	}
	asked := []cluster.Cluster{{Name: name, Is: is, Reads: []fleet.Path{at}}}
	answer := a.clusters().Of(is).Look(ctx, asked)[name]
	if answer.Err != nil {
		return nil, "", outside(answer.Err)
	}
	return transform.Overlay(transform.Nothing{}, answer.Edits()), at, nil
}

// draftOf is the declaration as a file.
func draftOf(k kind.Kind, adopted kind.AdoptedFile) ([]byte, error) {
	for _, of := range schema.Kinds() {
		if of.Name != k.Name {
			continue
		}
		draft := declare.Draft{Kind: of, Name: adopted.Name, Values: map[string]string{}}
		for field, value := range adopted.Fields {
			draft.Values[field] = declare.Expr(value)
		}
		text, problems := draft.File(false)
		if len(problems) > 0 {
			return nil, &exitError{exitProblems, errors.New(problems[0].String())}
		}
		return text, nil
	}
	return nil, fmt.Errorf("the schema knows no kind %s", k.Name)
}

// writeNew writes a file that is not there yet.
func writeNew(cmd *cobra.Command, dir, file string, text []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return outside(err)
	}
	defer root.Close()
	if _, err := root.Lstat(file); err == nil {
		return usagef("%s is there already; give the declaration another name with --name", file)
	}
	if err := disk.Write(root, file, text); err != nil {
		return outside(err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "wrote "+file)
	return nil
}
