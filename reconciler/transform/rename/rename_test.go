package rename_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/rename"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

func TestCases(t *testing.T) { transformtest.Run(t, rename.New()) }
