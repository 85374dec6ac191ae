# Needs make and Python 3.11 or newer; everything else is installed into .venv, or built once into the cache folder.
PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
# For `make demo`: KEEP=0 ends it by itself. For `make psql`: the Tenant to log in as.
KEEP ?= 1
TENANT ?=
export KEEP TENANT

.DEFAULT_GOAL = help
.NOTPARALLEL:
.PHONY: help test check servers demo demo-stop shell psql crds docs lock clean $(VENV)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

test: check ## check, then every test against real servers, as CI does
	$(BIN)/pytest tests/unit tests/postgres
	@$(BIN)/python -m tests.servers
	$(BIN)/pytest tests/cluster
	$(BIN)/pytest tests/operator

check: $(INSTALLED) ## lint, format, types, import contracts
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

servers: $(INSTALLED) ## build the Kubernetes control plane, if it is not in the cache (about 6 minutes, once)
	@$(BIN)/python -m tests.servers

demo: $(INSTALLED) ## the whole of it on this machine: PostgreSQL, Kubernetes, operator, examples (KEEP=0: then end)
	@$(BIN)/python -m tools.demo start

demo-stop: $(INSTALLED) ## end the demo and all its servers
	@$(BIN)/python -m tools.demo stop

shell: $(INSTALLED) ## a shell with kubectl and psql for the demo
	@$(BIN)/python -m tools.demo shell

psql: $(INSTALLED) ## log in to the demo's PostgreSQL as TENANT=acme
	@test -n "$(TENANT)" || { echo "Say as which Tenant: make psql TENANT=acme" >&2; exit 2; }
	@$(BIN)/python -m tools.demo psql

crds: $(INSTALLED) ## write crds/ from the models
	@$(BIN)/python -m tools.crds

docs: $(INSTALLED) ## write the generated pages of docs/
	@$(BIN)/python -m tools.reference

# uv resolves for every system at once; pip installs what it wrote.
COMPILE = compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
lock: ## write requirements/ from pyproject.toml, with the newest versions (needs the network)
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; "$$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	uv="$$folder/bin/uv"; \
	"$$uv" pip $(COMPILE) --upgrade pyproject.toml --output-file requirements/run.txt; \
	"$$uv" pip $(COMPILE) --upgrade pyproject.toml --group dev --group servers --output-file requirements/dev.txt; \
	"$$uv" pip $(COMPILE) --upgrade --group build --output-file requirements/build.txt; \
	"$$uv" pip $(COMPILE) --upgrade --group go --output-file requirements/go.txt

clean: ## remove what make put here; the cache folder of the control plane stays
	@test ! -d .demo || $(BIN)/python -m tools.demo stop
	rm -rf .demo $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV): $(INSTALLED)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "$$($(PYTHON) -V 2>&1) is too old, 3.11 or newer is needed. Name a newer one: make PYTHON=python3.13 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV)"
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
