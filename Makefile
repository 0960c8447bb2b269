# The commands of a contributor. `make test` needs Go, git and make, nothing
# else; every other target installs what it needs through the files that stand
# here (tools.mod, e2e/go.mod, e2e/package-lock.json, Debian's packages).

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Go is used as it stands on the machine: a build never fetches a toolchain.
export GOTOOLCHAIN := local

GO       ?= go
TOOL     := $(GO) tool -modfile=tools.mod
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X github.com/portreeve/portreeve/cmd/internal/release.described=$(VERSION)
FUZZTIME ?= 20s
BENCH    ?= .
BENCHTIME ?= 1s
# What is ours to format: tracked files and new ones, no testdata.
GOFILES   = git ls-files -co --exclude-standard -- '*.go' ':!:**/testdata/**'

.PHONY: help build test lint lint-format lint-modules lint-code lint-vulnerabilities lint-generate \
	generate e2e e2e-needs bench fuzz demo

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the commands into bin/
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

test: ## vet and test the product: minutes, no network once modules are there
	$(GO) vet ./...
	$(GO) test -timeout 10m ./...

lint: lint-format lint-modules lint-code lint-generate lint-vulnerabilities ## gofumpt, tidy modules, staticcheck, errorlint, sloglint, generated files, known vulnerabilities

lint-format:
	@unformatted=$$($(GOFILES) | xargs -r $(TOOL) gofumpt -l); \
	if [ -n "$$unformatted" ]; then \
		printf 'not formatted; run: %s gofumpt -w FILE\n%s\n' '$(TOOL)' "$$unformatted"; exit 1; \
	fi

# The e2e module follows what the product's requires: after a change there, run
# "go mod tidy" in both.
lint-modules:
	$(GO) mod tidy -diff
	cd e2e && $(GO) mod tidy -diff

lint-code:
	$(TOOL) staticcheck ./...
	$(TOOL) go-errorlint ./...
	$(TOOL) sloglint ./...
	cd e2e && $(GO) vet ./... && $(GO) tool -modfile=../tools.mod staticcheck ./...

# What is committed must be what the generators write. The state before is
# compared with the state after, so that work in progress is no obstacle.
lint-generate:
	@state() { git status --porcelain; git diff | git hash-object --stdin; }; \
	before=$$(state); $(GO) generate ./...; after=$$(state); \
	if [ "$$before" != "$$after" ]; then \
		echo 'go generate changed files; commit them:'; git status --short; exit 1; \
	fi

# govulncheck exits with 3 for a finding. Its database is read over the
# network: where that can't be reached nothing was checked, which is said and
# is no failure.
lint-vulnerabilities:
	@code=0; out=$$($(TOOL) govulncheck ./... 2>&1) || code=$$?; \
	if [ $$code -eq 0 ]; then \
		echo 'govulncheck: no known vulnerability is called'; \
	elif [ $$code -ne 3 ] && grep -q 'fetching vulnerabilities' <<<"$$out"; then \
		echo 'govulncheck: NOT CHECKED, the vulnerability database could not be reached'; \
	else \
		printf '%s\n' "$$out"; exit $$code; \
	fi

generate: ## run every go:generate
	$(GO) generate ./...

e2e: e2e-needs ## test against the real parts: git, a browser, the cue command, Backstage, kube-apiserver, Prometheus, GitHub's published descriptions
	$(GO) test -count=1 -timeout 10m ./reconciler/declare -run '^TestAgreement$$' -repos 600
	$(GO) test -count=1 -timeout 10m ./cmd/portreeve -run '^TestKilled$$' -kills
	cd e2e && $(GO) vet ./... && $(GO) test -count=1 -timeout 50m $(E2EFLAGS) ./...

# Node, Chromium, PostgreSQL and pre-commit come from Debian where they are missing and we
# may install.
e2e-needs:
	@missing=(); \
	command -v chromium chromium-browser google-chrome >/dev/null || missing+=(chromium); \
	command -v npm >/dev/null || missing+=(npm); \
	command -v curl >/dev/null || missing+=(curl); \
	command -v pre-commit >/dev/null || missing+=(pre-commit); \
	{ command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 || missing+=(postgresql); \
	if [ $${#missing[@]} -gt 0 ]; then \
		if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then \
			echo "make e2e needs: $${missing[*]}; install them and run it again"; exit 1; \
		fi; \
		echo "installing $${missing[*]}"; \
		apt-get update -q >/dev/null; \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi
	@cd e2e && if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then \
		echo 'fetching the published descriptions of the forge (npm ci)'; \
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json; \
	fi

bench: ## run the benchmarks; BENCH=REGEXP and BENCHTIME choose
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./...

fuzz: ## run each fuzz test for FUZZTIME (20s)
	@{ grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' cmd reconciler schema || true; } \
	| sed -E 's/^(.*)\/[^\/]*:func (Fuzz[A-Za-z0-9_]*)\(.*/\1 \2/' | sort -u \
	| while read -r dir name; do \
		echo "== $$name in $$dir"; \
		$(GO) test "./$$dir" -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' </dev/null; \
	done

demo: ## start the daemon against the sandbox; ARGS=--once runs to convergence
	$(GO) run ./cmd/portreeve demo $(ARGS)
