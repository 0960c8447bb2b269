package yaml_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

func TestCases(t *testing.T) { transformtest.Run(t, yaml.New()) }
