// Package e2e tests Portreeve against parts that nobody here wrote: plain git
// and curl, a browser, and GitHub's published descriptions of its API. Its
// tests stand in this folder, one file for each part:
//
//   - forge: what the client sends and what the sandbox answers is what
//     GitHub publishes;
//   - webhook: what the sandbox sends by itself is what GitHub publishes;
//   - hooks: pre-commit and plain Git run our hooks in a config repo;
//   - git, curl: the sandbox serves clients that know only GitHub;
//   - kill: a daemon that is killed anywhere finishes its work, and does
//     nothing twice;
//   - backstage: ownership comes from Backstage's own catalog, whatever becomes
//     of that, and it reads ours;
//   - kube: a kube-apiserver with prometheus-operator's definitions takes every
//     object that the kind prometheus writes;
//   - prometheus, advice: promtool has nothing against what it writes, a
//     Prometheus runs with it, is not touched while its queues are behind, and its
//     history gives the advice that follows from it;
//   - browser: the pages as a person sees them.
//
// The packages below are what they share: backstage runs Backstage's backend
// over a PostgreSQL, kube an API server over an etcd, parts builds and unpacks
// programs of others (from the modules in the folder modules, and from Debian's
// packages), recorder listens between client and forge, published knows the
// descriptions, binary builds and runs the product.
//
// It is a module of its own, so that nothing that only it needs enters the
// product's module graph. "make e2e" at the root installs what it needs and
// runs it.
package e2e
