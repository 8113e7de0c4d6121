"""docs/benchmarks.md: each benchmark rewrites its own section and leaves the others alone."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"


def write_section(name: str, text: str) -> None:
    """Put `text` between the markers of the named section; a new section goes to the end."""
    begin, end = f"<!-- {name}: made by the command below -->", f"<!-- end of {name} -->"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin in page:
        page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: section, page, flags=re.S)
    else:
        page = page.rstrip() + f"\n\n{section}\n"
    PAGE.write_text(page, encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(packages: Sequence[str] = ()) -> str:
    """The machine in words, without its name: kind of processor, cores, Python and the named packages."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join([f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}", *found])
