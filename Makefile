# The manual: every target with one line of what it does. `make help` prints it.
# `make up` is all that a newcomer needs; `make check test-unit` before a commit, `make test` before a push.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
UV := .local/uv/bin/uv
PYTHON ?= python3
STACK ?= dev
TEST_STACK ?= test
BENCH_STACK ?= bench
TENANTS ?= 100,200,1000
TOPOLOGY ?= monolith
FAULT_SECONDS ?= 60
CLEAN_MINUTES ?= 60
ALERTS ?=
EVENTS ?= 100000
KILLS ?= 100
POINTS ?= 330
POINT ?=
SEED ?= 20261128
E2E ?= tests
FUZZ_SECONDS ?= 900
FUZZ_SEED ?= 1
LOCAL := $(BIN)/rooftree-local
MEMBERS := operator tenant-app local examples/mls-feed
PYTEST := $(BIN)/pytest
DELIVERY := PYTHONPATH=scripts $(BIN)/python -m delivery
STAGE ?= dev
REGISTRY ?= localhost
# The cluster that KUBECONFIG names, or else the local stack's.
IN_CLUSTER = $(if $(KUBECONFIG),,source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- env) \
	$(DELIVERY)
# What is asked over HTTP, and so must be the same in both topologies; other tests look into one process.
IN_TOPOLOGY = $(if $(filter microservices,$(TOPOLOGY)),$(addprefix tenant-app/tests/app_tests/,test_sign_in.py \
	test_sessions.py test_topology.py identity contracts))
LOCK := $(UV) pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links

.PHONY: help setup up up-backends down status logs inventory doctor env clean distclean check fix dashboards dashboards-view gen new-module lock \
	test test-unit test-web test-integration test-torture test-fuzz test-e2e test-crashes e2e test-scaffold test-local isolation faults alerts torture torture-events oracles full pictures bench-provision bench-claim \
	bench-operator bench-wake bench-step bench-neighbours bench-search bench-events bench-edit bench-kernel bench-rpc bench-tracing bench-scaling bench-scaling-live bench-scaling-goldens licences api-diff schemathesis chart-tools chart-lint chart images sbom push deploy smoke rollback pipeline

help: ## Prints this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- the workspace ----------------------------------------------------------------------------------------------------

setup: .venv/.ready ## Makes .venv with everything that is needed to develop; quick when nothing changed

$(UV): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed (set PYTHON=…), this is " + sys.version)'
	@mkdir -p .local && { [ -x $@ ] || $(PYTHON) -m venv .local/uv; }
	@.local/uv/bin/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements/dev.txt)"
	@touch $@

# Bytecode, because the tests start hundreds of processes, each of which would compile for 3 s what it imports.
.venv/.ready: $(UV) requirements/dev.txt $(wildcard $(MEMBERS:%=%/pyproject.toml))
	@[ -x $(BIN)/python ] || $(UV) venv --quiet --no-python-downloads --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(patsubst %/pyproject.toml,-e ./%,$(wildcard $(MEMBERS:%=%/pyproject.toml)))
	@$(BIN)/python -m rooftree_local.nodejs
	@touch $@

frontend/node_modules/.package-lock.json: frontend/package-lock.json | setup
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund

# -- the stack --------------------------------------------------------------------------------------------------------

up: setup ## Starts the whole stack, or brings it to what the sources say (STACK=dev; REPLICA=1: with a standby)
	@$(LOCAL) up --stack $(STACK) $(if $(REPLICA),--replica)

up-backends: setup ## Starts the backends only, for integration tests (stack TEST_STACK=test; REPLICA=1: with a standby)
	@$(LOCAL) up --stack $(TEST_STACK) --only backends $(if $(REPLICA),--replica)

down: setup ## Ends the stack; no process, mount, namespace, device, firewall table or cgroup stays
	@$(LOCAL) down --stack $(STACK)

status: setup ## Shows every component and tenant of the stack
	@$(LOCAL) status --stack $(STACK)

logs: setup ## Shows the end of a component's log (COMPONENT=apiserver, FOLLOW=1)
	@$(LOCAL) logs --stack $(STACK) $(COMPONENT) $(if $(FOLLOW),--follow)

inventory: setup ## Lists all that exists of a tenant in every system (TENANT=acme)
	@$(LOCAL) inventory --stack $(STACK) $(or $(TENANT),acme)

doctor: setup ## Looks whether this machine can run a stack, with a remedy for each finding
	@$(LOCAL) doctor

env: setup ## Prints what tests need to know as shell lines (they hold a password)
	@$(LOCAL) env --stack $(STACK)

clean: setup ## Ends all stacks of this checkout and removes their state
	@$(LOCAL) clean

distclean: setup ## The same, and removes the cache and .venv
	@$(LOCAL) clean --cache
	@rm -rf .venv .local frontend/node_modules

# -- the gates --------------------------------------------------------------------------------------------------------

check: setup frontend/node_modules/.package-lock.json ## Form: formats, lint, types, import contracts, sizes, spelling, front end
	@$(BIN)/ruff format --check --quiet && $(BIN)/ruff check --quiet
	@$(BIN)/pyright --warnings
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/lint/size.py
	@git ls-files -z | xargs -0 $(BIN)/codespell
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check

fix: setup ## Formats and repairs what can be repaired
	@$(BIN)/ruff format && $(BIN)/ruff check --fix
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent fix

dashboards: setup ## Writes the dashboards that Grafana, the chart and `make dashboards-view` read, and the chart's copy of the rules
	@PYTHONPATH=observability $(BIN)/python -m dashboards

dashboards-view: setup frontend/node_modules/.package-lock.json ## Shows the dashboards in a browser without Grafana, over the stack's Prometheus (STACK=dev): http://127.0.0.1:8026
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent viewer -- --logLevel warn
	@$(LOCAL) dashboards --stack $(STACK)

gen: setup frontend/node_modules/.package-lock.json dashboards ## Writes everything that is generated: CRDs, gRPC messages, OpenAPI and event documents, the front end's types, dashboards
	@$(BIN)/python scripts/protos.py
	@$(BIN)/python -m rooftree_operator.api.generate && $(BIN)/python -m rooftree_operator.conditions_page
	@$(BIN)/python -m rooftree.openapi
	@$(BIN)/python -m rooftree.event_schemas
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent gen

new-module: setup frontend/node_modules/.package-lock.json ## Writes a module of the app that passes every check (NAME=scheduling, RECORD=appointment: what it keeps)
	@PYTHONPATH=scripts $(BIN)/python -m scaffold "$(NAME)" $(if $(RECORD),--record "$(RECORD)")

lock: setup ## Resolves requirements/*.in again
	@cd requirements && ../$(LOCK) dev.in -o dev.txt
	@cd requirements && for member in operator tenant-app mls-feed local edge; do ../$(LOCK) -c dev.txt $$member.in -o $$member.txt; done

licences: setup ## No GPL or AGPL among what ships; lists the licences of the lock files
	@$(DELIVERY).licences

api-diff: setup ## What the API's documents break of those that landed last (API_BASE=commit)
	@$(LOCAL) build api
	@$(PYTEST) -q -m api tests/delivery_tests
	@$(DELIVERY).api_diff

chart-tools: setup ## Installs helm, which the chart is rendered and deployed with
	@$(LOCAL) build charts

chart-lint: chart-tools ## The chart by helm's lint, and what it renders for each stage by the schemas of Kubernetes
	@$(PYTEST) -q -m chart operator/tests tests/delivery_tests

test-unit: setup frontend/node_modules/.package-lock.json ## Pure and scenario tests, two at a time
	@$(PYTEST) -q -n 2 -m "not integration and not e2e and not chart and not api and not isolation and not torture and not fuzz"

test-web: setup frontend/node_modules/.package-lock.json ## The front end's own tests
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent

test-integration: REPLICA = 1
test-integration: up-backends frontend/node_modules/.package-lock.json ## Tests against the real backends (TOPOLOGY=microservices: the app's modules over gRPC; INTEGRATION=paths: some)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && TOPOLOGY=$(TOPOLOGY) \
		$(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q -n 2 -m integration $(or $(INTEGRATION),$(IN_TOPOLOGY))

test-torture: up-backends ## A sample of torture-events and of its oracle
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q tests/torture/test_events.py

test-fuzz: up-backends ## A sample of schemathesis
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q -n 2 -m fuzz tenant-app/tests

schemathesis: up-backends ## The API by requests that a machine makes up, as owner and as agent (FUZZ_SECONDS=900 each, FUZZ_SEED)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) \
		$(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q -s -n 0 -m fuzz tenant-app/tests

test-e2e: setup frontend/node_modules/.package-lock.json ## Tests of the whole system in its own stack (TEST_STACK=test)
	@$(LOCAL) up --stack $(TEST_STACK) --browser --replica
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- \
		env TOPOLOGY=$(TOPOLOGY) $(PYTEST) -q -m e2e $(E2E) --ignore=tests/e2e/faults --ignore=tests/e2e/alerts

test-crashes: setup frontend/node_modules/.package-lock.json ## A sample of torture, one point of each stage of a life: always the same ones
	@$(LOCAL) up --stack $(TEST_STACK)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q tests/torture/test_crashes.py

e2e: test-e2e ## The same (TOPOLOGY=microservices: each module in pods of its own; E2E=tests/e2e/test_web_walk.py: some)

isolation: setup frontend/node_modules/.package-lock.json ## The whole isolation matrix, with its figures, in a stack (TEST_STACK=test)
	@$(LOCAL) up --stack $(TEST_STACK) --replica
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q -m isolation tests/isolation

# Never a name of a real module.
SCAFFOLDED := beekeeping
IN_SCAFFOLDED := $(addprefix tenant-app/tests/app_tests/,$(SCAFFOLDED) access contracts/test_$(SCAFFOLDED).py plans \
	test_migrations.py test_topology.py)

test-scaffold: STACK = scaffold
test-scaffold: setup ## A new module in a clone of the last commit: checks, unit, web, its tests on backends and in a browser
	@rm -rf .local/scaffolded && git clone --quiet . .local/scaffolded
	@$(MAKE) --no-print-directory -C .local/scaffolded new-module NAME=$(SCAFFOLDED) RECORD=hive
	@git -C .local/scaffolded add --all
	@$(MAKE) --no-print-directory -C .local/scaffolded check test-unit test-web
	@$(MAKE) --no-print-directory -C .local/scaffolded test-integration TEST_STACK=$(STACK) INTEGRATION="$(IN_SCAFFOLDED)"
	@$(MAKE) --no-print-directory -C .local/scaffolded e2e TEST_STACK=$(STACK) E2E=tests/e2e/test_web_$(SCAFFOLDED).py
	@$(MAKE) --no-print-directory -C .local/scaffolded down STACK=$(STACK)

test-local: setup ## Tests of the local stack itself: it comes, resumes and goes without a trace
	@$(PYTEST) -q -m e2e local/tests

test: check licences api-diff chart-lint test-unit test-web test-integration test-torture test-fuzz test-e2e test-crashes ## Everything that must pass before a change lands
	@$(LOCAL) down --stack $(TEST_STACK)
	@$(MAKE) --no-print-directory test-local

faults: setup ## Every backend, the control plane and pods away for a minute each, under load (FAULT_SECONDS=60)
	@$(LOCAL) up --stack $(TEST_STACK)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && FAULT_SECONDS=$(FAULT_SECONDS) \
		$(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q -m e2e tests/e2e/faults

alerts: setup ## An hour in which no alert may fire (CLEAN_MINUTES=60; 0: none), then a fault for each (ALERTS=AppDown,…: of some), 40 minutes
	@$(LOCAL) up --stack $(TEST_STACK)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && CLEAN_MINUTES=$(CLEAN_MINUTES) ALERTS="$(ALERTS)" \
		$(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q -m e2e tests/e2e/alerts

torture: setup frontend/node_modules/.package-lock.json ## Kills the operator at POINTS=330 effects of brokerages' lives (0: all; SEED; POINT=… one again)
	@$(LOCAL) up --stack $(TEST_STACK)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && \
		TORTURE_POINTS=$(POINTS) TORTURE_SEED=$(SEED) TORTURE_POINT="$(POINT)" \
		$(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q tests/torture/test_crashes.py

torture-events: up-backends ## EVENTS=100000 while relays, consumers, broker and database are killed KILLS=100 times (half an hour)
	@source <($(LOCAL) env --stack $(TEST_STACK)) && TORTURE_EVENTS=$(EVENTS) TORTURE_KILLS=$(KILLS) TORTURE_SEED=$(SEED) \
		$(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q tests/torture/test_events.py

oracles: up-backends ## Plants bugs that the torture of events, the oracles of crashes and the tests of dying workers must notice
	@THOROUGH=1 $(PYTEST) -q operator/tests/operator_tests/test_planted_bugs.py
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- $(PYTEST) -q tests/torture/test_bite.py \
		tenant-app/tests/app_tests/jobs/test_bite.py tenant-app/tests/app_tests/crm/test_bite.py

full: export HYPOTHESIS_PROFILE = search
full: export THOROUGH = 1
full: test test-scaffold schemathesis torture torture-events oracles isolation faults alerts images sbom chart ## The same, and what takes longer than a change should wait
	@$(MAKE) --no-print-directory e2e TOPOLOGY=microservices E2E=tests/e2e
	@$(LOCAL) down --stack $(TEST_STACK)

# -- delivery ---------------------------------------------------------------------------------------------------------

images: setup ## Builds the images; each tag is a hash of all that the image is made of
	@$(LOCAL) build images

sbom: images ## Writes what is in each image to .local/sbom as CycloneDX, and looks at the licences of what really ships
	@$(DELIVERY).sbom

chart: chart-tools ## Packages the chart to .local/chart
	@$(DELIVERY).chart

push: images ## Copies the images to REGISTRY
	@$(DELIVERY).push "$(REGISTRY)"

deploy: chart-tools ## Brings this checkout to STAGE=dev|staging|production; without KUBECONFIG, to the local STACK
	@$(IN_CLUSTER).deploy upgrade $(STAGE) --registry "$(REGISTRY)" $(if $(KUBECONFIG),,--local) $(if $(DRY_RUN),--dry-run)

smoke: setup ## Asks the cluster whether what was deployed works (STAGE=staging makes a canary brokerage, too)
	@$(IN_CLUSTER).smoke $(STAGE)

rollback: chart-tools ## Takes STAGE back to the revision before (REVISION=n: to that one)
	@$(IN_CLUSTER).deploy rollback $(STAGE) $(if $(REVISION),--revision $(REVISION)) $(if $(KUBECONFIG),,--local)

pipeline: setup ## Runs a job of .gitlab-ci.yml on a clean clone of the last commit (JOB=check)
	@$(DELIVERY).pipeline $(or $(JOB),check)

# -- benchmarks and pictures ------------------------------------------------------------------------------------------

pictures: setup ## Takes the quick start's pictures (LINK=the owner's unused link of a fresh acme)
	@PYTHONPATH=tests/e2e $(BIN)/python scripts/pictures.py "$(LINK)"

bench-provision: setup ## Measures how fast tenants come and go (n = 20)
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- $(BIN)/python scripts/bench_provision.py

bench-operator: setup ## Measures the operator with many brokerages whose pods are simulated (TENANTS=100,200,1000: one fresh stack each)
	@missed=0; for tenants in $$(tr , ' ' <<< "$(TENANTS)"); do \
		$(LOCAL) down --stack $(BENCH_STACK); $(LOCAL) up --stack $(BENCH_STACK) --only simulated; \
		source <($(LOCAL) env --stack $(BENCH_STACK)); \
		$(LOCAL) exec --stack $(BENCH_STACK) -- \
			env PYTHONPATH=scripts $(BIN)/python -m bench_operator --tenants $$tenants || missed=1; \
	done; $(LOCAL) down --stack $(BENCH_STACK); exit $$missed

bench-claim: setup ## Measures how soon a brokerage is ready on a spare tenant (n = 20)
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- $(BIN)/python scripts/bench_provision.py --claim

bench-wake: setup ## Measures how long a first request of a sleeping brokerage waits, beside a start by hand (ROUNDS=20)
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- \
		env PYTHONPATH=. $(BIN)/python scripts/bench_wake.py $(if $(ROUNDS),--rounds $(ROUNDS))

bench-step: setup ## Measures how soon three times the load is answered with more pods (ROUNDS=10; 25 minutes)
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- \
		env PYTHONPATH=. $(BIN)/python scripts/bench_step.py $(if $(ROUNDS),--rounds $(ROUNDS))

bench-neighbours: setup ## Measures what brokerages notice of one at 10 times its quota (SECONDS=30 a window, PAIRS=3, DIMENSIONS="api cpu"; 26 minutes)
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- \
		env PYTHONPATH=. $(BIN)/python scripts/bench_neighbours.py $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(PAIRS),--pairs $(PAIRS)) $(if $(DIMENSIONS),--dimensions $(DIMENSIONS))

bench-search: up-backends ## Measures search on 50,000 listings with 8 clients, on an otherwise idle machine
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- $(BIN)/python scripts/bench_search.py

bench-events: up-backends ## Measures how soon events have their effect at 200 a second, on an otherwise idle machine
	@source <($(LOCAL) env --stack $(TEST_STACK)) && $(LOCAL) exec --stack $(TEST_STACK) -- \
		env PYTHONPATH=. $(BIN)/python scripts/bench_events.py

bench-edit: setup ## Measures how soon a saved edit shows in another browser (n = 100)
	@$(LOCAL) up --stack $(STACK) --browser
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- \
		env PYTHONPATH=. $(BIN)/python scripts/bench_edit.py

bench-rpc: setup ## Measures a call between two modules' processes, on an otherwise idle machine
	@$(BIN)/python scripts/bench_rpc.py

bench-tracing: setup ## Measures what tracing adds to a request, on an otherwise idle machine
	@$(BIN)/python scripts/bench_tracing.py

bench-kernel: up-backends ## Measures what the kernel adds to a request, start, size, calls and events, on an otherwise idle machine
	@source <($(LOCAL) env --stack $(TEST_STACK)) && missed=0; \
		for bench in kernel rpc events; do \
			$(LOCAL) exec --stack $(TEST_STACK) -- env PYTHONPATH=. $(BIN)/python scripts/bench_$$bench.py || missed=1; \
		done; exit $$missed

bench-scaling: setup ## Compares policies of scaling in a simulated world (QUICK=1: defaults only; TRACES=files; WRITE=1: tables of the docs)
	@PYTHONPATH=scripts $(BIN)/python -m bench_scaling $(if $(QUICK),--quick) $(if $(WRITE),--write) $(TRACES)

bench-scaling-live: setup ## Replays traces on real pods under ours and an HPA, beside the simulation (MINUTES=10; TRACES=files; 15 minutes each)
	@source <($(LOCAL) env --stack $(STACK)) && $(LOCAL) exec --stack $(STACK) -- \
		env PYTHONPATH=scripts $(BIN)/python -m bench_live $(if $(MINUTES),--minutes $(MINUTES)) $(TRACES)

bench-scaling-goldens: setup ## Asks Kubernetes' own autoscaler again for the decisions that our port of it is tested against
	@cd scripts/bench_scaling/golden/hpa && go test -count=1 ./...
