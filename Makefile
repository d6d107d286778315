# bayesq: `make demo` and `make test` need Python 3.12 or newer and nothing else.
.PHONY: venv demo test test-all bench bench-scale laws-table backtests decisions comparisons gallery case-studies docs test-docs outputs dist lint hooks examples lock clean

# Where the environment is. Beside it one of another Python, kept apart:
# make test PYTHON=python3.12 VENV=.venv-3.12
VENV ?= .venv
BIN := $(VENV)/bin
# The first of these that runs and is new enough makes the environment; PYTHON=... names another.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.13 python3.14 python3.12 python3 python)
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 12))

venv: $(VENV)/installed

$(VENV)/installed: requirements.txt pyproject.toml
	@for p in $(CANDIDATES); do \
		if $$p -c '$(NEW_ENOUGH)' 2>/dev/null; then found=$$p; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "bayesq needs Python 3.12 or newer, and none of these is:" >&2; \
		for p in $(CANDIDATES); do \
			echo "  $$p: $$($$p --version 2>/dev/null || echo 'does not run')" >&2; \
		done; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.13 venv" >&2; \
		exit 1; \
	fi; \
	echo "making $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV) || { \
		echo "$$found cannot make a virtual environment; install its venv module." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	@touch $@

demo: venv
	$(BIN)/python case_studies/demo.py --out out

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell *.md docs case_studies bayesq models

# Lets git run make lint before each commit.
hooks: venv
	$(BIN)/pre-commit install

# Runs what docstrings show.
examples: venv
	$(BIN)/python -m pytest --doctest-modules bayesq models

test: lint examples
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: lint examples
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Times bayesq beside what people would use in its place, then the sampler's coordinates;
# BENCH="--tables 28 --rounds 1" hands on options.
bench: venv
	$(BIN)/python tests/benchmarks/strangers_clock.py $(BENCH)
	$(BIN)/python -m pytest tests/benchmarks -m slow -s

# Measures how time and memory grow with rows, fits and processes, for hours;
# BENCH="--rows 100 10000 --fits 1 10 --processes 1 2" takes a part.
bench-scale: venv
	$(BIN)/python tests/benchmarks/scale.py $(BENCH)

# Fits every law and writes the table into models/README.md; BAYESQ_DATA names the public pools,
# LAWS="--jobs 16" hands on options.
laws-table: venv
	$(BIN)/python case_studies/laws_table.py $(LAWS)

# Backtests every pool by bayesq and by today's practice; BACKTESTS="--only gadre-c4" hands on options.
backtests: venv
	$(BIN)/python case_studies/backtests/table.py $(BACKTESTS)

# Holds decisions against the pools; DECISIONS="--only quest-w4a4" hands on options.
decisions: venv
	$(BIN)/python case_studies/decisions/table.py $(DECISIONS)

# Puts the disputed questions to every pool; COMPARISONS="--only ptq-bits" hands on options.
comparisons: venv
	$(BIN)/python case_studies/comparisons/table.py $(COMPARISONS)

# Draws every figure from fits of the shipped grid, for the documentation too;
# GALLERY="--only pairs" hands on options.
gallery: venv
	$(BIN)/python case_studies/gallery/gallery.py --out out/gallery --keep docs/gallery_figures $(GALLERY)

# Runs the case studies in full and keeps what they show; CASE_STUDIES="--only gguf" takes one.
case-studies: venv
	$(BIN)/python case_studies/render.py $(CASE_STUDIES)

# Builds the documentation into out/docs and looks for dead links; nothing is fetched.
docs: venv
	$(BIN)/sphinx-build --fail-on-warning --keep-going --fresh-env --builder html docs out/docs

# Holds the documentation: the site in a browser, the examples of all pages, and the case studies on
# few draws.
test-docs: docs
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow \
		tests/test_docs.py tests/test_pages.py tests/test_case_studies.py

# Runs the examples of the README and the documentation, and writes what they print into them; and
# the demo, for its picture.
outputs: venv
	$(BIN)/python case_studies/demo.py --out out && cp out/law_over_data.png docs/pictures/
	$(BIN)/python docs/making/outputs.py --write README.md $$(grep -l '^```\(python\|console\)' docs/*.md docs/*/*.md)

# Builds the source distribution, and the wheel from it, into dist; nothing is fetched.
dist: venv
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

# Pins every package with the hashes of its files; needs uv.
lock:
	uv pip compile pyproject.toml --extra dev --extra docs --universal --python-version 3.12 \
		--generate-hashes --no-emit-index-url --no-header --upgrade -o requirements.txt

clean:
	rm -rf .venv .venv-* out build dist *.egg-info
