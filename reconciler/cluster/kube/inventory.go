package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// inventoryName is the ConfigMap that names what was applied to its cluster.
const inventoryName = "portreeve-inventory"

// inventory is what declarations have applied.
type inventory struct {
	objects map[fleet.ID][]reference
	is      *unstructured.Unstructured
	there   bool
}

func readInventory(ctx context.Context, api client.Client, namespace string) (*inventory, error) {
	i := &inventory{objects: map[fleet.ID][]reference{}, is: &unstructured.Unstructured{}}
	i.is.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"})
	err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: inventoryName}, i.is)
	if apierrors.IsNotFound(err) {
		i.is.SetNamespace(namespace)
		i.is.SetName(inventoryName)
		return i, nil
	}
	if err != nil {
		return nil, err
	}
	i.there = true
	data, _, err := unstructured.NestedStringMap(i.is.Object, "data")
	if err != nil {
		return nil, fmt.Errorf("%w: the ConfigMap %s/%s is not as it was written", errBad, namespace, inventoryName)
	}
	for key, value := range data {
		var e entry
		if err = json.Unmarshal([]byte(value), &e); err == nil && len(e.Objects) > 0 && keyOf(e.Declaration) == key {
			for _, object := range e.Objects {
				r, wrong := parse(object)
				if wrong != nil || r.name == "" {
					err = errBad
				}
				i.objects[e.Declaration] = append(i.objects[e.Declaration], r)
			}
			if err == nil {
				continue
			}
		}
		return nil, fmt.Errorf("%w: %q of the ConfigMap %s/%s is not as it was written", errBad, key, namespace, inventoryName)
	}
	return i, nil
}

func keyOf(id fleet.ID) string { return strings.ReplaceAll(id.String(), "/", ".") }

// entry is what the inventory says of a declaration.
type entry struct {
	Declaration fleet.ID     `json:"declaration"`
	Objects     []fleet.Path `json:"objects"`
}

// add names objects, before they are applied.
func (i *inventory) add(ctx context.Context, api client.Client, id fleet.ID, more []reference) error {
	all := slices.Clone(i.objects[id])
	for _, r := range more {
		if slices.Contains(all, r) {
			continue
		}
		for _, was := range all {
			if was.Kind != r.Kind {
				return fmt.Errorf("%w: it has applied %s, which is to go first: withdraw the declaration, or give the new one another name", errBad, was)
			}
		}
		all = append(all, r)
	}
	return i.set(ctx, api, id, all)
}

func (i *inventory) remove(ctx context.Context, api client.Client, id fleet.ID, gone []reference) error {
	return i.set(ctx, api, id, slices.DeleteFunc(slices.Clone(i.objects[id]), func(r reference) bool { return slices.Contains(gone, r) }))
}

// set says which objects a declaration has.
func (i *inventory) set(ctx context.Context, api client.Client, id fleet.ID, all []reference) error {
	if slices.Equal(i.objects[id], all) {
		return nil
	}
	if i.objects[id] = all; len(all) == 0 {
		delete(i.objects, id)
		unstructured.RemoveNestedField(i.is.Object, "data", keyOf(id))
		return i.save(ctx, api)
	}
	e := entry{Declaration: id}
	for _, r := range all {
		e.Objects = append(e.Objects, r.path())
	}
	text, err := json.Marshal(e)
	if err == nil {
		err = unstructured.SetNestedField(i.is.Object, string(text), "data", keyOf(id))
	}
	if err != nil {
		return err
	}
	return i.save(ctx, api)
}

// save writes the inventory, unless somebody else has meanwhile.
func (i *inventory) save(ctx context.Context, api client.Client) error {
	if !i.there {
		err := api.Create(ctx, i.is, client.FieldOwner(manager))
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("%w: there is no namespace %s, in which it is written down what is applied: create it", errBad, i.is.GetNamespace())
		}
		if apierrors.IsAlreadyExists(err) {
			return moved("the inventory has been made meanwhile")
		}
		i.there = err == nil
		return err
	}
	return api.Update(ctx, i.is, client.FieldOwner(manager))
}
