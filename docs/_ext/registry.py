"""`.. registry:: package.NAME` writes a registry of the code as a table: no page has to be kept in step with it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Registry(SphinxDirective):
    """A row an entry: its name, then the attributes that `:columns:` names.

    The argument is a mapping by name, or a function that gives the entries.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"columns": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        module, _, name = self.arguments[0].rpartition(".")
        registry = getattr(importlib.import_module(module), name)
        entries = registry.values() if isinstance(registry, Mapping) else registry()
        columns = [column.strip() for column in self.options["columns"].split(",")]
        lines = [".. list-table::", "   :header-rows: 1", ""]
        rows = [["name", *(column.rpartition(".")[2].replace("_", " ") for column in columns)]]
        rows += [[f"``{entry.name}``", *(_words(attrgetter(column)(entry)) for column in columns)] for entry in entries]
        for row in rows:
            lines += [f"   {'*' if place == 0 else ' '} - {cell}" for place, cell in enumerate(row)]
        return self.parse_text_to_nodes("\n".join(lines))


def _words(value: Any) -> str:
    """As it stands in a cell: what would mean something to reStructuredText is escaped."""
    return re.sub(r"([\\|*`_])", r"\\\1", ", ".join(map(str, value)) if isinstance(value, tuple) else str(value))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("registry", Registry)
    return {"parallel_read_safe": True}
