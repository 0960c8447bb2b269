package json_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/json"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

func TestCases(t *testing.T) { transformtest.Run(t, json.New()) }
