package ownership_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"

	"github.com/portreeve/portreeve/reconciler/kind/kindtest"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
)

func TestCases(t *testing.T) {
	kindtest.Run(t, ownership.New(transform.Set{codeowners.New(), yaml.New()}))
}
