package cluster_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/kind/cluster"
	"github.com/portreeve/portreeve/reconciler/kind/kindtest"
)

func TestCases(t *testing.T) { kindtest.Run(t, cluster.New()) }
