# `make lab` opens the lessons, `make test` runs every check; both set everything up first.
# Another Python (3.11 or newer): make lab PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
TENSORFLOW := $(VENV)/.tensorflow
DATA := reviews wikipedia factbook tweets recipes

# Lessons run the same everywhere: two threads, a fixed hash seed,
# no progress bars, figures inside the notebook.
QUIET := env -u MPLBACKEND OMP_NUM_THREADS=2 PYTHONHASHSEED=0 TQDM_DISABLE=1
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with tests/notebooks/sanitize.cfg
TIMINGS := speed memory parts encoding import_time finetune_speed loading pretraining_step drawing

# An environment whose Python is gone (half made, or the system's Python was upgraded) is made anew.
BROKEN := $(shell $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || echo broken)

# In a container one is often root, which Jupyter otherwise refuses.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

MAKEFLAGS += --no-print-directory
.PHONY: help setup lab walkthrough test test-fast test-machines test-browser lint notebooks bench bundled-models clean broken
.DEFAULT_GOAL := help

help:  ## show this list
	@echo "make TARGET, where TARGET is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## create .venv, install the package with its tools, fetch the data (every target below does this)
	@$(BIN)/convbert-edu data fetch $(DATA)

lab: setup  ## open the lessons in JupyterLab
	cd notebooks && ../$(BIN)/jupyter lab $(ROOT_FLAG) 00_start_here.ipynb

walkthrough: setup  ## run all lessons without a browser and write them as web pages: build/walkthrough/index.html
	$(QUIET) $(BIN)/python notebooks/tools/walkthrough.py

test: lint setup $(TENSORFLOW)  ## all checks: style, unit tests, and each lesson run again and compared with its outputs
	$(QUIET) $(BIN)/pytest tests
	$(QUIET) $(BIN)/pytest $(NBVAL) notebooks

test-fast: lint setup  ## the quick checks: no notebook kernel is started
	$(QUIET) $(BIN)/pytest -m "not slow" tests

test-machines: setup  ## the numerical tests and lessons 00 to 05 as other processors and thread counts compute them
	$(BIN)/python tests/machines.py

test-browser: setup  ## lessons in JupyterLab in a headless Chromium; screenshots go to build/browser/
	$(QUIET) $(BIN)/pytest tests/browser/lessons_in_chromium.py

lint: $(READY)  ## style checks
	$(BIN)/ruff check .

notebooks: setup  ## run the lessons again and store their new outputs
	$(QUIET) $(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.timeout=300 \
	  --ExecutePreprocessor.extra_arguments=--log-level=ERROR notebooks/*.ipynb
	$(BIN)/python notebooks/tools/normalise.py notebooks/*.ipynb

bench: setup  ## time this package beside transformers
	@mkdir -p build/bench; set -e; for name in $(TIMINGS); do echo "== $$name"; \
	  $(BIN)/python benchmarks/$$name.py --output build/bench/$$name.json; done

bundled-models: setup  ## pretrain the models of convbert_edu/bundled again (about three hours on two cores)
	$(BIN)/python benchmarks/bundled_models.py train build/bundled
	$(QUIET) $(BIN)/python benchmarks/bundled_models.py bundle build/bundled
	$(QUIET) $(BIN)/python benchmarks/pretrained_vs_scratch.py --model convbert-tiny --output build/bundled/scores.json
	$(QUIET) $(BIN)/python benchmarks/bundled_models.py measure build/bundled/scores.json

clean:  ## remove what was built; .venv and the fetched data stay
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find benchmarks convbert_edu notebooks tests -name __pycache__ -prune -exec rm -rf {} +

broken:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)"; \
	  echo "Install a newer one and name it: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

# The stamp is written last, so that an install that failed is tried again next time.
$(READY): pyproject.toml constraints.txt $(BROKEN)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[notebooks,dev]' || { \
	  echo "The install failed; the reason stands above. The pinned versions exist for Python 3.11 to 3.14,"; \
	  echo "and this is $$($(BIN)/python --version). To use another: rm -rf $(VENV); make $(MAKECMDGOALS) PYTHON=python3.11"; \
	  exit 1; }
	@touch $@

# Only the tests read TensorFlow's files, so only they install it (1.6 GB).
$(TENSORFLOW): $(READY)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[tensorflow]'
	@touch $@
