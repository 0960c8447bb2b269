package delete_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/delete"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

func TestCases(t *testing.T) { transformtest.Run(t, delete.New()) }
