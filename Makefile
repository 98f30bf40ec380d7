# make demo        Pamazon from client to index, with its traces (ONCE=1: ends by itself; REPLICAS=2: two indexers, and two
#                  versions of the encoder)
# make test        the whole suite (NO_STACK=1: without the real programs)        make lint    ruff, mypy --strict
# make stack       build the real Collector, Jaeger, Prometheus, VictoriaLogs, Kafka into your cache (20 minutes, once;
#                  needs Go 1.26, Java 17 and Maven, and reports what is missing)
# make test-stack  those programs with Pamazon, under load, killed and restarted (seven minutes)
# make test-boards-fast  every query of the boards and rules on a day of data, each in a second (six minutes)
# make browser     Chromium (by apt, as root) and OpenTelemetry for browsers, into your cache, for tests/browser
# make dashboards-page  the page of telemetry dashboards preview, into your cache (a minute, once; needs Node.js 20)
# make test-versions  a few tests of each kind on the lowest versions that the library allows, on the newest, and on every
#                  other installed Python (ALL=1: all that need only the library)
# make test-install   every line of docs/installing.md, in empty environments
# make test-sdk    OpenTelemetry's own tests of spans, samplers, limits and propagation, on our tracer provider (a minute)
# make mutants     tests that each defect of docs/defects.md fails its test (ONLY=callables.py: some)
# make bench       side-by-side benchmarks
# make incidents   every incident of the demo on the real stack: which alert fires, what it says, which board it links
#                  (half an hour; ONLY="slow-replica cold-cache": some)
# make chaos       a search pipeline for ten minutes of failures around it (CHAOS_SECONDS=600, CHAOS_SEED=…),
#                  then a minute each without Collector and without Jaeger (OUTAGE_SECONDS=60; 0: not at all)
# make dist        sdist and wheel of each of the three distributions, into dist/
# make docs        regenerate docs/signals.md, docs/settings.md and the names in docs/metrics.md
# make proto       regenerate the gRPC code of the demo
# make test-clip   the tests that need torch and OpenCLIP, in an environment of their own (7 GB)
#
# PYTHON=python3.13 make test    chooses the interpreter (3.11 to 3.14) that the environment is made with
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
INPUTS  = pyproject.toml packaging/stack/pyproject.toml packaging/demo/pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help env demo test stack test-stack test-boards-fast browser dashboards-page lint mutants bench incidents chaos dist docs proto test-clip test-versions test-install test-sdk clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

env: $(VENV)/.ready

$(VENV)/.ready: $(INPUTS)
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on the PATH: install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make environments: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11: run 'make PYTHON=python3.11' or newer" >&2; exit 1; }
	@echo "Building the environment in $(VENV) (about a minute, once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip==26.3'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e . -e './packaging/stack[local,stack,dashboards]' -e ./packaging/demo --group dev
	@touch $@

demo: env
	@$(BIN)/python -m demo_flow.demo $(if $(ONCE),--once) $(if $(REPLICAS),--replicas)

# In two processes, a file in one of them; then the real programs, which all tests of one process share.
test: env
	@status=0; $(BIN)/python -m pytest --ignore=tests/stack -n 2 --dist loadfile || status=1; \
	  $(if $(NO_STACK),,$(BIN)/python -m pytest tests/stack || status=1;) exit $$status

stack: env
	@$(BIN)/python -m collector.stack

test-versions: env
	@$(BIN)/python -m tests.versions $(if $(ALL),--all)

test-sdk: env
	@$(BIN)/python -m tests.sdk_suites

test-install: env dist
	@$(BIN)/python -m pytest -m '' tests/install

# -m '': with the slow tests.
test-stack: env
	@$(BIN)/python -m pytest tests/stack -m '' --ignore=tests/stack/test_boards_fast.py

test-boards-fast: env
	@$(BIN)/python -m pytest tests/stack/test_boards_fast.py -m '' -s

browser: env
	@$(BIN)/python -m tests.browser.install

dashboards-page: env
	@$(BIN)/python -m tests.browser.page

lint: env
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Breaks a copy of the library, one defect at a time, and checks that its test fails (some minutes).
mutants: env
	@$(BIN)/python -m tests.defects.run_mutants $(ONLY)

bench: env
	@$(BIN)/python -m benchmarks

incidents: env
	@$(BIN)/python -m benchmarks.incident_alerts $(ONLY)

chaos: env
	@$(BIN)/python -m tests.chaos --seconds $(or $(CHAOS_SECONDS),600) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED))
	@[ "$(OUTAGE_SECONDS)" = 0 ] || STACK_OUTAGE_SECONDS=$(or $(OUTAGE_SECONDS),60) $(BIN)/python -m pytest -m '' -s \
	  tests/stack/test_stack_away.py tests/stack/test_stack_kills.py::test_jaeger_may_be_away

dist: env
	@for folder in . packaging/stack packaging/demo; do \
	  $(BIN)/python -m build --no-isolation --outdir dist $$folder || exit 1; done

docs: env
	@$(BIN)/python -m docs.generate

proto: env
	@$(BIN)/python -m demo_flow.proto.generate

# torch from PyPI is the CUDA build: never in the default environment.
test-clip:
	@$(MAKE) env VENV=.venv-clip
	@.venv-clip/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e './packaging/demo[clip,training]'
	@.venv-clip/bin/python -m pytest tests/unit/test_encoders_torch.py tests/unit/test_encoders_open_clip.py \
	  tests/unit/test_tiny_model.py tests/unit/test_tiny_training.py tests/unit/test_catalogue_build.py

clean:
	rm -rf $(VENV) .venv-clip build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
