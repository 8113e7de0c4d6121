# Two commands for a newcomer: `make demo` and `make test`. Each does its whole set-up, whichever runs first.
# `make help` lists the rest.

STUDY ?= demo-study
ARGS ?=
# PYTHON=/path/to/python chooses the Python for .venv (3.11 to 3.13); plain python3 is tried first.
PYTHON ?=
export PYTHON

bin := .venv/bin
screen := bash scripts/with-screen.sh

.DEFAULT_GOAL := help
.PHONY: help environment demo test lint format docs pictures clean distclean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment: ## virtual environment, Python packages, and what a window needs; quick when nothing changed
	@bash scripts/environment.sh
	@bash scripts/screen-packages.sh

demo: environment ## real volumes, a study, its matches, the viewer; STUDY=folder (demo-study)
	@$(bin)/napari-relict demo "$(STUDY)"

test: environment ## the whole test suite; ARGS="tests/test_house.py -k links" for a part of it
	@bash scripts/run-tests.sh $(ARGS)

lint: environment ## ruff, mypy and the import contracts; goes through all of them before it fails
	@failed=; \
	for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports"; do \
		echo "$$check"; $(bin)/$$check || failed="$$failed [$$check]"; \
	done; \
	[ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

format: environment ## let ruff lay out the code and mend what it can
	@$(bin)/ruff format .
	@$(bin)/ruff check --fix .

docs: environment ## the documentation as a site, docs/_build/html; a warning is an error
	@bash scripts/build-docs.sh

pictures: environment ## pictures of the viewer for docs/images, from STUDY
	@$(screen) $(bin)/python -m napari_relict.viewer.screenshots "$(STUDY)" --to docs/images --ct "$(STUDY)/ct" --all

clean: ## caches and build outputs
	@rm -rf build dist docs/_build docs/gallery .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## clean, and the virtual environment too
	@rm -rf .venv
