"""The documentation keeps its word: links lead somewhere, commands exist, code runs, examples run.

`make docs` builds the site of it, which takes minutes; what is here takes seconds, and looks at the pages as they lie
in the repository.
"""

from __future__ import annotations

import inspect
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import typer

from napari_relict.cli.app import app
from napari_relict.demo import study as demo_study
from napari_relict.records.settings import Settings
from napari_relict.study import Study

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.rst")])
PAGES = [page for page in PAGES if not {"_build", "gallery"} & set(page.relative_to(ROOT).parts)]
EXAMPLES = sorted([*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.ipynb")])
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
WRONG_USAGE: Any = typer.BadParameter.__base__  # Typer brings its own click, or uses the one there is
NOT_RUN = r"(?P<before><!-- not run[^\n]*-->\n)?"
FENCE = re.compile(rf"^{NOT_RUN}```(?P<kind>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


# Links


def anchors(page: Path) -> set[str]:
    """What `#...` may name on a page, as GitHub and MyST make it of headings; a repeated heading gets a number."""
    seen: dict[str, int] = {}
    for heading in re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text_of(page)), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        seen[slug] = seen.get(slug, -1) + 1
        if seen[slug]:
            seen[f"{slug}-{seen[slug]}"] = 0
    return set(seen)


def test_headings_become_the_anchors_that_are_linked_to(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# On *another* computer\n## Rules, `by` name\n## Power\n## Power\n```\n# no heading\n```\n")
    assert anchors(page) == {"on-another-computer", "rules-by-name", "power", "power-1"}


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", FENCE.sub("", text_of(page))):
        target, _, anchor = link.partition("#")
        there = page if not target else (page.parent / target).resolve()
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert not broken


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in re.findall(r"\]\(([^)#\s]+)\)", text_of(index))}
    assert {page for page in PAGES if (ROOT / "docs") in page.parents} - {index} <= linked


# Files of the code


def test_architecture_has_a_line_for_every_room() -> None:
    source = ROOT / "src" / "napari_relict"
    text = text_of(ROOT / "docs" / "architecture.md")
    rooms = [init.parent for init in (*source.glob("*/__init__.py"), *source.glob("viewer/*/__init__.py"))]
    assert [room.name for room in rooms if f"`{room.name}/`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_of_the_code_are_where_a_page_says(page: Path) -> None:
    """`room/file.py` lies below the source or the root; `file.py` alone bears the name of one that does."""
    code = [path for room in ("src", "tests", "benchmarks", "docs", "examples") for path in (ROOT / room).rglob("*.py")]
    ours = [f"/{named(path)}" for path in code]
    said = re.findall(r"`([\w/]+\.py)`", FENCE.sub("", text_of(page)))
    assert [path for path in said if not any(one.endswith(f"/{path}") for one in ours)] == []


# Commands


def commands_of(page: Path) -> Iterator[str]:
    """`napari-relict ...` of code blocks and of `code` within the text, without comments."""
    blocks = [match["code"] for match in FENCE.finditer(text_of(page)) if match["kind"] in ("sh", "")]
    blocks += re.findall(r"^(?: {4}.*\n)+", text_of(page), re.MULTILINE)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        if line.strip().startswith("napari-relict "):
            yield re.sub(r"\s#.*", "", line).strip()
    yield from re.findall(r"`(napari-relict [a-z][^`\n]*)`", FENCE.sub("", text_of(page)))


def ways_to_say(name: str) -> list[list[str]]:
    """The options of a command: of each its names, that which switches it off among them."""
    shown = [parameter for parameter in COMMANDS[name].params if not getattr(parameter, "hidden", False)]
    every = [[option for option in (*one.opts, *one.secondary_opts) if option.startswith("--")] for one in shown]
    return [ways for ways in every if ways]


def faults(command: str) -> str:
    """What is wrong with a command; empty where nothing is. Of a synopsis, names alone are looked at."""
    synopsis = re.search(r"[\[|]|\.\.\.|\b[A-Z]{3,}\b", command)
    _, name, *arguments = command.split() if synopsis else shlex.split(command)
    if name == "COMMAND":
        return ""
    if name not in COMMANDS:
        return f"no command {name}"
    options = {option for ways in ways_to_say(name) for option in ways} | {"--help"}
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", command))
    if unknown := sorted(used - options):
        return f"no option {unknown[0]}"
    if arguments and not synopsis:
        try:
            COMMANDS[name].make_context(name, list(arguments))
        except WRONG_USAGE as error:
            return error.format_message()
    return ""


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("napari-relict match my-study --top 3", ""),
        ("napari-relict match STUDY [--top K]", ""),
        ("napari-relict match my-study --nearest 3", "no option --nearest"),
        ("napari-relict mach my-study", "no command mach"),
        ("napari-relict match my-study --top many", "Invalid value for '--top'"),
        ("napari-relict export my-study verdicts", "Missing option '--to'."),
    ],
)
def test_what_is_wrong_with_a_command_is_seen(command: str, wrong: str) -> None:
    said = faults(command)
    assert said.startswith(wrong)
    assert bool(said) == bool(wrong)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_exist_with_their_options(page: Path) -> None:
    assert {command: wrong for command in commands_of(page) if (wrong := faults(command))} == {}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_in_the_reference(name: str) -> None:
    page = text_of(ROOT / "docs" / "reference" / "commands.md")
    assert re.search(rf"napari-relict .*\b{name}\b", page)
    assert [ways for ways in ways_to_say(name) if not any(way in page for way in ways)] == []


@pytest.mark.parametrize("table", ["preparation", "match", "verdicts", "thresholds", "reading"])
def test_every_setting_is_in_the_reference(table: str) -> None:
    page = text_of(ROOT / "docs" / "reference" / "commands.md")
    settings: Any = Settings.model_fields[table].annotation
    assert [key for key in settings.model_fields if f"| `{table}` | `{key}` |" not in page] == []


STUDY = """
name = "study"
modality = "ct"
cohorts.training.volumes = "training"
cohorts.synthetic.volumes = "synthetic"
grid = {shape = [64, 64, 64], spacing = [2.0, 2.0, 2.0]}
"""


@pytest.mark.parametrize("page", [page for page in PAGES if "```toml" in text_of(page)], ids=named)
def test_settings_on_a_page_are_settings(page: Path) -> None:
    for block in FENCE.finditer(text_of(page)):
        if block["kind"] == "toml":
            study, asked = tomllib.loads(STUDY), tomllib.loads(block["code"])
            Settings.model_validate(study | {table: study.get(table, {}) | keys for table, keys in asked.items()})


# Code


def blocks_of(page: Path) -> list[tuple[int, str, bool]]:
    """Line, code and whether it is run, of a page's Python blocks."""
    text = text_of(page)
    return [
        (text.count("\n", 0, match.start("code")), match["code"], match["before"] is None)
        for match in FENCE.finditer(text)
        if match["kind"] == "python"
    ]


WITH_CODE = [page for page in PAGES if blocks_of(page)]


@pytest.mark.parametrize("page", WITH_CODE, ids=named)
def test_python_on_a_page_compiles(page: Path) -> None:
    for line, code, _ in blocks_of(page):
        compile("\n" * line + code, named(page), "exec")


@pytest.fixture
def readers_folder(matched: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `my-study`, matched. Making it and matching it again are passed over, but for what is asked."""

    def asked(method: Any) -> Any:
        def instead(*arguments: Any, **more: Any) -> Any:
            inspect.signature(method).bind(*arguments, **more)
            return Study.open(tmp_path / "my-study") if inspect.ismethod(method) else []

        return instead

    matched.close()
    matched.folder.rename(tmp_path / "my-study")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Study, "create", asked(Study.create))
    monkeypatch.setattr(Study, "match", asked(Study.match))
    return tmp_path


@pytest.mark.parametrize("page", [page for page in WITH_CODE if any(run for *_, run in blocks_of(page))], ids=named)
def test_python_on_a_page_runs(page: Path, readers_folder: Path) -> None:
    random = np.random.default_rng(0)
    names: dict[str, Any] = {name: random.normal(size=(30, 8)) for name in ("t", "h", "s")}
    for line, code, run in blocks_of(page):
        if run:
            exec(compile("\n" * line + code, named(page), "exec"), names)


# Examples


def code_of(example: Path) -> str:
    if example.suffix == ".py":
        return text_of(example)
    cells = json.loads(text_of(example))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.fixture
def small_study(matched: Study, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The phantom study in place of the demo's heads, which would have to be fetched; what was planted beside it."""
    (matched.folder / "source").mkdir()
    lines = ["synthetic,relation,training"]
    for synthetic in sorted(matched.verdicts()["synthetic"]):
        lines.append(f"{synthetic},{'exact replica,train' if synthetic.startswith('copy') else 'no replica,'}")
    (matched.folder / "source" / "truth.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(demo_study, "small_study", lambda: matched)
    return matched


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_example_runs(example: Path, small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot

    monkeypatch.chdir(tmp_path)
    exec(compile(code_of(example), named(example), "exec"), {"__name__": "__main__"})
    assert pyplot.get_fignums(), "the gallery has nothing to show"
    pyplot.close("all")


def test_the_notebook_is_kept_without_outputs() -> None:
    for example in EXAMPLES:
        if example.suffix == ".ipynb":
            cells = [cell for cell in json.loads(text_of(example))["cells"] if cell["cell_type"] == "code"]
            assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
