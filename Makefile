# The README's two commands are `make demo` and `make test`. Every target does its own set-up.
.PHONY: setup demo test lint bench e2e schema
BIN := .venv/bin

setup:
	@deploy/local/setup

demo: setup            # KEEP=1 leaves the stack running
	@$(BIN)/python -m deploy.local.demo $(if $(KEEP),--keep)

test: setup            # one file: make test T=tests/unit/test_license.py
	@$(BIN)/pytest $(if $(T),$(T),-n 2 --dist loadfile)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy schemas workers producers deploy tests
	@$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m tests.bench

e2e: setup             # on a real cluster
	@test -n "$(SNAPLINE_E2E_KUBECONFIG)" -a -n "$(SNAPLINE_E2E_STATE)" || { \
	  echo "make e2e needs a cluster: set SNAPLINE_E2E_KUBECONFIG to its kubeconfig," >&2; \
	  echo "and SNAPLINE_E2E_STATE to a directory with <node>/kubelet/pods of every node" >&2; exit 1; }
	@$(BIN)/pytest tests/e2e tests/contract/test_cluster_contract.py

schema: setup
	@$(BIN)/snapline schema
