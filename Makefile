# Two commands do everything on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-long up lint bench clean constraints
demo: $(READY)
	$(BIN)/hrorch demo

up: $(READY)
	$(BIN)/hrorch up

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv -c constraints.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e ".[sandbox,postgres,dev]"
	touch $(READY)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY) lint
	$(BIN)/pytest -m "not long" -n 3 --dist loadscope --no-loadscope-reorder

test-long: $(READY)
	HRORCH_EXPLORE=1 $(BIN)/pytest -n 2 --dist loadscope

bench: $(READY)
	$(BIN)/hrorch bench

constraints:
	$(BIN)/uv pip compile pyproject.toml --all-extras --no-header --no-annotate --no-emit-index-url --python-version 3.11 -o constraints.txt
	echo "uv==$$($(BIN)/uv --version | cut -d' ' -f2)" >> constraints.txt

clean:
	rm -rf $(VENV) data/home data/sandbox
