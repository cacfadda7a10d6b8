# `make TARGET` does what `python3 start.py TARGET` does: all steps stand in start.py.
# Another Python (3.11 or newer): make lab PYTHON=python3.12
# A torch without CUDA, on Linux without a GPU: make lab CONVBERT_EDU_TORCH_INDEX=cpu

PYTHON ?= python3
TARGETS := setup lab book slides walkthrough explainer test test-fast test-machines test-browser lint notebooks course bench gpu gpu-rehearsal gpu-pack bundled-models offline-bundle clean

.PHONY: help $(TARGETS)
.DEFAULT_GOAL := help

help $(TARGETS):
	@$(PYTHON) --version >/dev/null 2>&1 || { echo "there is no '$(PYTHON)' here; name a Python: make $@ PYTHON=python3.11"; exit 1; }
	@$(PYTHON) start.py $@
