package codeowners_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/transform/codeowners"
	"github.com/portreeve/portreeve/reconciler/transform/transformtest"
)

func TestCases(t *testing.T) { transformtest.Run(t, codeowners.New()) }
