"""How the site is built out of these pages, the code's docstrings and `examples/`: `make docs`.

The pages are read in the repository as well, so links in them are those of the repository; `_for_the_site` turns the
few that would lead nowhere on the site.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx_gallery.sorting import ExplicitOrder

from napari_relict.demo.study import small_study
from napari_relict.version import __version__

# Of the examples; the others follow by their titles.
FIRST = ("find_copies_among_arrays.py", "open_a_study.py", "scores_against_the_null.py", "ratings_to_thresholds.py")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

project = "napari-relict"
author = "the napari-relict developers"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "registry",
]
# The gallery writes a notebook of each script, to be downloaded; the page is the script's own.
exclude_patterns = ["_build", *(f"gallery/{script.stem}.ipynb" for script in (ROOT / "examples").glob("*.py"))]
suppress_warnings = [
    "config.cache",  # the gallery's settings hold a class, which no cache can keep
    "ref.python",  # an attribute's description that is a word of several classes
]

# Pages
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "auto"  # the notebook is kept without its outputs: the build makes them
nb_execution_timeout = 300
nb_execution_raise_on_error = True

# Code
default_role = "code"  # docstrings write `names` in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "copyfile_regex": r".*\.ipynb",
    "within_subsection_order": ExplicitOrder([*FIRST, "*"]),
    "abort_on_example_error": True,
    "plot_gallery": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "matplotlib_animations": False,
    "remove_config_comments": True,
}

# Look
html_theme = "furo"
html_title = "napari-relict"
html_show_sourcelink = False


def _for_the_site(app: Sphinx, page: str, source: list[str]) -> None:
    """Links into `examples/` lead to the gallery; the table of `index.md` becomes the site's menu."""
    source[0] = re.sub(r"\]\((?:\.\./)+examples/README\.rst\)", "](/gallery/index.rst)", source[0])
    source[0] = re.sub(r"\]\((?:\.\./)+examples/(\w+)\.(?:py|ipynb)\)", r"](/gallery/\1)", source[0])
    if page.startswith("reference/api/"):
        source[0] = re.sub(r"<((?:\.\./)+[\w/-]+)\.md>", r"<\1.html>", source[0])
    if page == "gallery/index":
        notebooks = [path.stem for path in (ROOT / "examples").glob("*.ipynb")]
        source[0] = re.sub(r"<(\w+)\.ipynb>", r"<\1.html>", source[0])
        source[0] += "\n".join(["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in notebooks), ""])
    if page != "index":
        return
    for room, links in re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", source[0], re.MULTILINE):
        pages = [target.removeprefix("/") for target in re.findall(r"\]\(([^)]+)\)", links)]
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {room}", "", *pages, "```", ""])


def _links_lead_somewhere(app: Sphinx, failed: Exception | None) -> None:
    """Sphinx looks after links it makes itself; those that are written out are looked up here."""
    if failed is not None:
        return
    broken = {
        f"{page.relative_to(app.outdir)}: {target}"
        for page in Path(app.outdir).rglob("*.html")
        for target in re.findall(r'(?:href|src)="(?![\w+.-]+:|#)([^"#?]+)', page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    }
    if broken:
        raise ExtensionError("links that lead nowhere:\n" + "\n".join(sorted(broken)))


def setup(app: Sphinx) -> None:
    # One small study for all examples, matched by today's code: they find it and do not match again.
    small_study(again=True)
    app.connect("source-read", _for_the_site)
    app.connect("build-finished", _links_lead_somewhere)
