# Everything starts here: `make run` does the main job, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= quick
DATA ?=
ALL ?=
SET ?=

.PHONY: help setup run test lint unit notebooks suite docs bench fuzz kills gallery \
	strip address lock audit colab clean

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(BIN)/.ready  ## Make the virtual environment (done by the others as needed)

$(BIN)/.ready: requirements.txt requirements-dev.txt requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# The lock was made on Linux with this Python; elsewhere the ranges decide.
	@if $(BIN)/python tools/lock_fits.py; then \
		$(BIN)/pip install --quiet --require-hashes -r requirements.lock; \
	else \
		$(BIN)/pip install --quiet -r requirements.txt -r requirements-dev.txt; \
	fi
	@# Three times quiet: setuptools warns of every editable installation.
	$(BIN)/pip install -qqq --no-deps --editable .
	@touch $@

run: setup  ## Execute notebooks 01-05: PROFILE=quick|paper DATA=folder ALL=1 SET="name=value"
	$(BIN)/brainseg run --profile $(PROFILE) --data "$(DATA)" $(if $(ALL),--all) --set $(SET)

test: setup lint unit notebooks suite  ## Lint, unit tests, notebooks, and `run` itself

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

unit: setup
	$(BIN)/python -m pytest -q tests

# Smoke-sized runs of every notebook; lax because stripped notebooks have no outputs.
notebooks: export BRAINSEG_PROFILE = smoke
notebooks: setup
	rm -rf runs/smoke
	$(BIN)/python -m pytest -q --nbval-lax --nbval-current-env notebooks

# The command of `make run` with settings, on the runs that the notebooks just left.
suite: export BRAINSEG_PROFILE = smoke
suite: setup notebooks
	$(MAKE) run SET="folds=[0] workers=1"
	test -s runs/smoke/report.html && test -s runs/smoke/summary.json

docs: setup  ## Build the API's pages into build/api/, every warning an error
	$(BIN)/python tools/api.py

bench: setup  ## Measure slices, training, prediction beside others: DATA=folder
	$(BIN)/python benchmarks/prepare.py $(if $(DATA),--data "$(DATA)")
	$(BIN)/python benchmarks/input_pipeline.py $(if $(DATA),--data "$(DATA)")
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/between_epochs.py $(if $(DATA),--data "$(DATA)")
	$(BIN)/python benchmarks/predict.py $(if $(DATA),--data "$(DATA)")

fuzz: setup  ## Read 100,000 mutated NIfTI files (the tests read 10,000)
	BRAINSEG_MUTANTS=100000 $(BIN)/python -m pytest -q tests/test_nifti_fuzz.py

kills: setup  ## Kill 500 preparations, 23 trainings, 12 sweeps (the tests kill fewer)
	BRAINSEG_KILLS=500 $(BIN)/python -m pytest -q tests/test_kills.py
	BRAINSEG_TRAINING_KILLS=20 $(BIN)/python -m pytest -q tests/test_resume.py
	BRAINSEG_SWEEP_KILLS=12 $(BIN)/python -m pytest -q tests/test_sweep_kills.py

gallery: setup  ## Render the executed quick run into gallery/
	$(BIN)/python -m brainseg_utils.gallery

strip: setup  ## Strip outputs from the notebooks before a commit
	$(BIN)/nbstripout --keep-id notebooks/*.ipynb

address: setup  ## Write the address in pyproject.toml into badges and install cells
	$(BIN)/python tools/address.py

lock: setup  ## Make requirements.lock anew from the ranges
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-find-links --output-file requirements.lock \
		requirements.txt requirements-dev.txt

# Strict, as otherwise a package that could not be looked up counts as sound.
audit: setup  ## Compare requirements.lock with known security advisories
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		--requirement requirements.lock

colab: setup  ## Execute the notebooks with exactly Colab's versions
	bash tests/colab/check.sh

clean:  ## Remove the environment; data/ and runs/ stay
	rm -rf $(VENV) .venv-colab
