package loan_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/kind/kindtest"
	"github.com/portreeve/portreeve/reconciler/kind/loan"
)

func TestCases(t *testing.T) { kindtest.Run(t, loan.New()) }
