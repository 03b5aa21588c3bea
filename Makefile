# Each target does its own set-up: a virtual environment in .venv, with the versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
# Images of containers often set it; each of a run's processes would then compile its libraries anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run check test promises certainty next verdicts matrix attacks pretraining million storm lab export demo-export demo-stac try-earthengine try-stac docs docs-serve bench profile test-tf doctor hooks types wheel try-wheel clean lock locked audit pin-actions
help:            ## show this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: $(READY)    ## run the whole pipeline; ARGS="-p source.name=sample:brandenburg" for other settings
	$(BIN)/seedbed run $(ARGS)

check: $(DEV) ## run the fast tests, in less than a minute; ARGS="-k splits" for some
	OMP_NUM_THREADS=1 MPLBACKEND=agg $(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow" $(ARGS)

test: $(DEV) ## run every test, on all cores; ARGS="-k splits" for some
	OMP_NUM_THREADS=1 MPLBACKEND=agg $(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

promises: $(DEV) ## test by simulation what intervals, comparisons and areas promise; ARGS="seeds tied_6" for some
	OMP_NUM_THREADS=1 $(BIN)/python tools/promises $(ARGS)

certainty: $(DEV) ## compare recipes for sets of classes in new regions, and write tools/certainty/tables.md; DATA=FOLDER
	OMP_NUM_THREADS=1 $(BIN)/python tools/certainty $(DATA)

next: $(DEV) ## measure what choosing labels saves, and write tools/next/tables.md; DATA=FOLDER
	OMP_NUM_THREADS=1 $(BIN)/python tools/next $(DATA)

verdicts: $(DEV) ## hold today's verdicts against those of an older commit, and write tools/verdicts/table.md; ARGS=COMMIT
	OMP_NUM_THREADS=1 $(BIN)/python tools/verdicts $(ARGS)

matrix: $(DEV) ## run every source with every task and kind of model on small data, and write tests/matrix/table.md; ARGS="stac" for some
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.matrix $(ARGS)

attacks: $(DEV) ## try attacks on runs, files, disks and processes, and write tests/attacks/table.md; ARGS="Signals" for some
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.attacks $(ARGS)

storm: $(DEV) ## fetch a thousand chips from a local STAC archive that fails, killed ten times, and write tests/servers/stac/storm.md
	OMP_NUM_THREADS=1 $(BIN)/python tests/servers/stac/storm.py $(ARGS)

pretraining: $(DEV) ## whether real pretrained weights pay on real labels, where they are at hand, and write tests/pretraining/table.md
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.pretraining $(ARGS)

million: $(DEV) ## whole runs on ten thousand to a million labels, with time and memory of each stage, and write tests/million/table.md; an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.million $(ARGS)

bench: $(DEV) ## measure speeds, as ratios to peers and to the machine's limit; ARGS="reading batches" for some
	$(BIN)/python tests/benchmarks $(ARGS)

profile: $(DEV)  ## run the sample afresh and write where its time goes, notebook by notebook, into the guide about speed
	OMP_NUM_THREADS=1 $(BIN)/python tools/where.py --force -p run.workers=1
	$(BIN)/python tools/speed_page.py --run

lab: $(READY)    ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab nbs

export: $(DEV) ## write the package from the notebooks, and clean them; stops where a module was edited by hand
	$(BIN)/python tools/export.py

demo-export: $(DEV) ## seedbed export against a local Earth Engine with a synthetic world: no account, no network
	OMP_NUM_THREADS=1 $(BIN)/python tests/servers/earthengine/demo.py

demo-stac: $(DEV) ## seedbed export and run from a local STAC archive of the sample's scene: no account, no network
	OMP_NUM_THREADS=1 $(BIN)/python tests/servers/stac/demo.py

try-earthengine: $(DEV) ## ask the real Earth Engine, with an account, what only it can show: some minutes, ten chips
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.servers.earthengine.verify $(ARGS)

try-stac: $(DEV) ## ask a real STAC archive what only it can show; ARGS=planetary-computer, earth-search or cdse
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.servers.stac.verify $(ARGS)

docs: $(DEV) ## build the documentation site into _docs; a broken link fails
	OMP_NUM_THREADS=1 $(BIN)/seedbed docs

docs-serve: $(DEV) ## the same, shown on this machine and built again on every change
	OMP_NUM_THREADS=1 $(BIN)/seedbed docs --serve

test-tf:         ## hold dataset.to_tf() against PyTorch, in an environment of its own (.venv-tf) that has TensorFlow
	test -x $(VENV)-tf/bin/python || $(PYTHON) -m venv $(VENV)-tf
	$(VENV)-tf/bin/python -m pip install --quiet --disable-pip-version-check -e '.[tf,dev]'
	OMP_NUM_THREADS=1 MPLBACKEND=agg $(VENV)-tf/bin/python -m pytest -rs tests/training/test_interchange.py $(ARGS)

doctor: $(READY) ## check versions, credentials, GPU and disk, and say what to do
	$(BIN)/seedbed doctor

hooks: $(DEV) ## format, export and clean with each commit; run the fast tests with each push
	$(BIN)/pre-commit install

types: $(DEV) ## check the package's type hints
	$(BIN)/mypy

wheel: $(DEV) ## build the wheel, install it into an empty environment and use it there
	rm -rf dist build && $(BIN)/python -m build --wheel --outdir dist .
	rm -rf $(VENV)-wheel && $(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl -c constraints.txt
	cd dist && $(abspath $(VENV)-wheel/bin/seedbed) --version && $(abspath $(VENV)-wheel/bin/seedbed) models
	cd dist && $(abspath $(VENV)-wheel/bin/seedbed) demo -p models.names=majority -p run.optimism=no

try-wheel: $(DEV) ## make a project from the wheel, run it, own and change a stage, test it, update it by a changed wheel, replay its first run
	OMP_NUM_THREADS=1 $(BIN)/python tools/try_wheel.py --packages $(VENV) $(ARGS)

lock: $(DEV) ## write constraints.lock: every package of constraints.txt with the hashes of its files
	$(BIN)/python tools/lock.py

locked:          ## install from constraints.lock alone, each file held against its hash, and check the package
	test -f constraints.lock || { echo "constraints.lock: make lock writes it"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check && $(BIN)/seedbed models

audit:           ## look up known weaknesses of the packages in constraints.lock, in an environment of its own (.venv-audit)
	test -x $(VENV)-audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)-audit && $(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; }
	$(VENV)-audit/bin/python tools/audit.py

pin-actions:     ## write the commit of each action's tag into the workflows; asks GitHub
	$(PYTHON) tools/pin_actions.py

clean:           ## remove the environments and what the stages have made of the data; runs/ stays
	rm -rf $(VENV) $(VENV)-tf $(VENV)-wheel $(VENV)-audit dist build data/exports data/processed data/cache _docs _proc .pytest_cache pkg/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What a run needs. Modules are compiled when they are first imported: most of them never are. Choosing the
# versions took the pip that Python 3.11 brings three times as long as all else of the installation.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seedbed needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --upgrade pip || echo "pip stays as it is: an old one takes longer to choose versions"
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -e . -c constraints.txt
	touch $(READY)

# And what tests, tools and the site need.
$(DEV): $(READY)
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -e '.[dev,docs,pack,oracles]' -c constraints.txt
	touch $(DEV)
