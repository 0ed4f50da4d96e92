# The README's two commands are `make demo` and `make test`. Every target does its own set-up.
.PHONY: setup demo test test-browser lint bench bench-line bench-console e2e chaos soak schema simulate scale
BIN := .venv/bin
# What no time-out has ended, as it waits once more while it is being ended, says where it stands and has failed.
STUCK := -o faulthandler_timeout=1300 -o faulthandler_exit_on_timeout=true

setup:
	@deploy/local/setup

demo: setup            # KEEP=1 leaves the stack running
	@$(BIN)/python -m deploy.local.demo $(if $(KEEP),--keep)

test: setup            # in random order, with the coverage; one file: make test T=tests/unit/test_license.py
	@$(BIN)/pytest $(if $(T),$(T),-n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report= $(STUCK))

test-browser: setup    # the console in Chromium; one file: T=tests/browser/test_pages.py; pictures: SHOTS=screenshots
	@deploy/local/setup-browser
	@SNAPLINE_SCREENSHOTS=$(abspath $(SHOTS)) $(BIN)/pytest $(or $(T),tests/browser)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy schemas workers producers deploy tests
	@$(BIN)/lint-imports
	@$(BIN)/python -m deploy.dependencies sbom.json

chaos: setup           # faults against the whole line; the campaign: make chaos JOBS=300; the same again: SEED=...
	@$(BIN)/python -m tests.chaos $(if $(JOBS),--jobs $(JOBS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: setup            # whether anything grows: make soak MINUTES=120
	@$(BIN)/python -m tests.chaos.soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

bench: setup           # some rows: make bench ARGS="--rows small-first,large-first --rounds 1 --scale 0.05"
	@test -x $(BIN)/rclone || $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]' >&2
	@command -v zstd >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
	  { apt-get update -q && apt-get install -q -y --no-install-recommends zstd; } >&2 || true
	@$(BIN)/python -m tests.bench $(ARGS)

bench-line: setup      # the line itself; fewer: make bench-line ARGS="--flood 500"
	@$(BIN)/python -m tests.bench.line $(ARGS)

bench-console: setup   # the console; less: make bench-console ARGS="--snapshots 500"
	@$(BIN)/python -m tests.bench.console $(ARGS)

e2e: setup             # on a real cluster
	@test -n "$(SNAPLINE_E2E_KUBECONFIG)" -a -n "$(SNAPLINE_E2E_STATE)" || { \
	  echo "make e2e needs a cluster: set SNAPLINE_E2E_KUBECONFIG to its kubeconfig," >&2; \
	  echo "and SNAPLINE_E2E_STATE to a directory with <node>/kubelet/pods of every node" >&2; exit 1; }
	@deploy/local/setup-browser
	@$(BIN)/pytest tests/e2e tests/contract/test_cluster_contract.py tests/contract/test_exec_contract.py

simulate: setup        # the whole line, with faults: SEEDS=10000; one with its trace: SEED=123; PLANTED=1; BUDGET=90 seconds
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),1)) \
	  $(if $(PLANTED),--planted) $(if $(BUDGET),--budget $(BUDGET))

scale: setup           # what snapshots cost in requests; less: make scale ARGS="--apps 1000 --nodes 100"
	@$(BIN)/python -m tests.simulation.scale $(ARGS)

schema: setup
	@$(BIN)/snapline schema
