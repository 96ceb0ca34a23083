# Everything that one does with this project. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

SETUP := local/setup/setup.sh
VENV := $(CURDIR)/.venv/bin
# Where cargo puts what it builds.
BINARIES := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug
FUNCTIONS := appointments-api calendar-webhook scheduled-sync watch-renewer
# arm64 or x86_64: what the functions run on.
ARCH ?= arm64
# Passed on to `cargo test`, for example TEST="-p shared google" or TEST="-- --nocapture".
TEST ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

.PHONY: run
run: ## start everything on this machine: API on http://127.0.0.1:9000/, until Ctrl-C
	@if [ -n "$${DATABASE_URL:-}" ]; then $(SETUP) build run; else $(SETUP) build run postgres; fi
	cargo build --workspace
	CARGO_LAMBDA=$(VENV)/cargo-lambda exec $(BINARIES)/local run

.PHONY: test
test: ## run all tests, beside a throw-away PostgreSQL server; TEST="..." goes to cargo test
	@$(SETUP) build run test postgres pgbouncer
	cargo build -p local
	CARGO_LAMBDA=$(VENV)/cargo-lambda PROJECT_PYTHON=$(VENV)/python exec $(BINARIES)/local with-postgres -- cargo test --workspace $(TEST)

# How many random histories `make simulate` plays; SEED=... replays one.
HISTORIES ?= 20000

.PHONY: simulate
simulate: ## play random histories against the sync engine; HISTORIES=20000, or SEED=... for one
	@$(SETUP) build postgres
	cargo build -p local
	HISTORIES=$(HISTORIES) exec $(BINARIES)/local with-postgres -- cargo test -p shared --test simulation

.PHONY: lint
lint: ## formatting, clippy, dependencies, the template, shell scripts
	@$(SETUP) build lint
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	# Compiling cargo-deny takes minutes, so only who has it runs it here; the CI workflow always does.
	if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; else echo 'lint: no cargo-deny here, licences and bans are checked in CI only'; fi
	$(VENV)/cfn-lint template.yaml
	$(VENV)/shellcheck local/setup/setup.sh .ci/run

.PHONY: migrate
migrate: ## bring the database of DATABASE_URL up to date
	@$(SETUP) build
	cargo run --quiet -p shared --bin migrate

.PHONY: build
build: ## make the deployable zips in target/lambda, for ARCH=arm64 (default) or x86_64
	@$(SETUP) build run
	case $(ARCH) in arm64) arch=--arm64 ;; x86_64) arch=--x86-64 ;; *) echo 'ARCH should be arm64 or x86_64' >&2; exit 2 ;; esac
	# Where cargo-lambda finds zig, its cross-compiler.
	export PATH=$(VENV):$$PATH
	# One package at a time: built together, each would link the features of all.
	for function in $(FUNCTIONS); do
		cargo lambda build --release $$arch --output-format zip --package "$$function"
	done
