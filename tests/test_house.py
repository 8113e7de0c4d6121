"""The house itself: what may import what, what the manifest promises, and what no file may say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from npe2 import PluginManifest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]


def in_a_fresh_python(code: str) -> str:
    """What `code` prints in an interpreter that has imported nothing yet."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def our_texts() -> Iterator[tuple[Path, str]]:
    """Every text file of ours, by its path from the root; studies and caches beside them are not ours."""
    folders = [ROOT / name for name in ("src", "tests", "docs", "examples", "scripts", "benchmarks", ".ci")]
    paths = [path for path in ROOT.iterdir() if path.name != ".git"]
    made = {"__pycache__", "_build", "gallery"}
    paths += [path for folder in folders for path in folder.rglob("*") if not made & set(path.parts)]
    for path in sorted(path for path in paths if path.is_file()):
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a volume


# Imports


def test_import_contracts_hold() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_stays_light() -> None:
    code = "import sys, napari_relict; print(*{'torch', 'monai', 'napari', 'qtpy'} & set(sys.modules))"
    assert in_a_fresh_python(code) == ""


# The manifest


def test_manifest_at_the_top_is_the_one_in_the_package() -> None:
    assert (ROOT / "napari.yaml").resolve() == ROOT / "src" / "napari_relict" / "napari.yaml"


def test_manifest_is_one_that_napari_accepts() -> None:
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    assert manifest.name == PROJECT["name"]


def test_everything_the_manifest_names_can_be_imported() -> None:
    PluginManifest.from_file(ROOT / "napari.yaml").validate_imports()


# Packages


def test_no_qt_binding_is_forced_on_people() -> None:
    bindings = {"pyqt5", "pyqt6", "pyside2", "pyside6"}
    assert not bindings & {canonicalize_name(need.name) for need in CORE}
    assert not any(need.extras for need in CORE if canonicalize_name(need.name) == "napari")


@pytest.mark.parametrize("need", CORE + EXTRAS, ids=str)
def test_constraints_pin_what_the_project_asks_for(need: Requirement) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {canonicalize_name(pin.name): pin.specifier for pin in pins}
    (pin,) = pinned[canonicalize_name(need.name)]
    assert pin.operator == "=="
    assert need.specifier.contains(pin.version)


# What files say

# Written in pieces, so that this file says none of it either.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:" + "work|farm|tmp|root|opt|home" + r")/\w")
REGISTRY_HOST = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.", "download" + r"\.pytorch", "index" + "-url"))
)


@pytest.mark.parametrize(
    "line", ["cd /" + "work/x", "'/" + "tmp/a'", "file:///" + "opt/x", "https://" + "pypi" + ".org/simple"]
)
def test_the_patterns_find_what_they_are_for(line: str) -> None:
    assert MACHINE_PATH.search(line.replace("file://", "")) or REGISTRY_HOST.search(line)


@pytest.mark.parametrize("forbidden", [MACHINE_PATH, REGISTRY_HOST], ids=["machine paths", "registry hosts"])
def test_no_file_names(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in our_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert not found, "\n".join(found)
