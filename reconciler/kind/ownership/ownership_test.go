package ownership_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/kind/kindtest"
	"github.com/portreeve/portreeve/reconciler/kind/ownership"
)

func TestCases(t *testing.T) { kindtest.Run(t, ownership.New()) }
