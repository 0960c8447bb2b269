package kube

import (
	"context"
	"encoding/json"
	"fmt"
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
	objects map[fleet.ID]reference
	is      *unstructured.Unstructured
	there   bool
}

func readInventory(ctx context.Context, api client.Client, namespace string) (*inventory, error) {
	i := &inventory{objects: map[fleet.ID]reference{}, is: &unstructured.Unstructured{}}
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
		var entry struct {
			Declaration fleet.ID   `json:"declaration"`
			Object      fleet.Path `json:"object"`
		}
		r := reference{}
		if err = json.Unmarshal([]byte(value), &entry); err == nil {
			r, err = parse(entry.Object)
		}
		if err != nil || r.name == "" || keyOf(entry.Declaration) != key {
			return nil, fmt.Errorf("%w: %q of the ConfigMap %s/%s is not as it was written", errBad, key, namespace, inventoryName)
		}
		i.objects[entry.Declaration] = r
	}
	return i, nil
}

func keyOf(id fleet.ID) string { return strings.ReplaceAll(id.String(), "/", ".") }

// add names an object, before it is applied.
func (i *inventory) add(ctx context.Context, api client.Client, id fleet.ID, r reference) error {
	if was, ok := i.objects[id]; ok && was == r {
		return nil
	} else if ok {
		return fmt.Errorf("%w: it has applied %s, which is to go first: withdraw the declaration, or give the new one another name", errBad, was)
	}
	entry, err := json.Marshal(map[string]any{"declaration": id, "object": r.path()})
	if err != nil {
		return err
	}
	if err := unstructured.SetNestedField(i.is.Object, string(entry), "data", keyOf(id)); err != nil {
		return err
	}
	return i.save(ctx, api)
}

func (i *inventory) remove(ctx context.Context, api client.Client, id fleet.ID) error {
	unstructured.RemoveNestedField(i.is.Object, "data", keyOf(id))
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
		return err
	}
	return api.Update(ctx, i.is, client.FieldOwner(manager))
}
