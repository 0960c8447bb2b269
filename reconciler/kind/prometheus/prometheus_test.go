package prometheus_test

import (
	"testing"

	"github.com/portreeve/portreeve/reconciler/kind/kindtest"
	"github.com/portreeve/portreeve/reconciler/kind/prometheus"
	"github.com/portreeve/portreeve/reconciler/transform"
	"github.com/portreeve/portreeve/reconciler/transform/yaml"
)

func TestCases(t *testing.T) { kindtest.Run(t, prometheus.New(transform.Set{yaml.New()})) }
