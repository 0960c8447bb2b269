package toml_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/toml"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

func TestCases(t *testing.T) { transformtest.Run(t, toml.New()) }
