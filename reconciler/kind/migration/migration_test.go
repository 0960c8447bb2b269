package migration_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/kind"
	"github.com/portreeve/portreeve/reconciler/kind/kindtest"
	"github.com/portreeve/portreeve/reconciler/kind/migration"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/file"
	"github.com/portreeve/portreeve/reconciler/transform/replace"
)

func member() kind.Kind {
	return migration.New(transform.Set{replace.New(), file.New(), delete.New()})
}

func TestCases(t *testing.T) { kindtest.Run(t, member()) }
