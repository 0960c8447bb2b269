// The definitions of prometheus-operator's objects, out of its Go module. It is a
// module of its own, so that nothing of it enters another's module graph.
module github.com/portreeve/portreeve/e2e/modules/crds

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.94.1
