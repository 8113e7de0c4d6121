#!/usr/bin/env bash
# build-docs.sh   the documentation as a site in docs/_build/html: pages, API, examples run on a few of the demo's heads.
# What only this needs (the extra "docs") is installed the first time; a warning is an error.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin

$bin/python -c "import furo, myst_nb, sphinx_copybutton, sphinx_gallery" 2>/dev/null || {
    echo "Installing what builds the documentation into .venv (once)"
    $bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
}
$bin/python -m sphinx -W --keep-going -b html docs docs/_build/html
echo "docs/_build/html/index.html"
