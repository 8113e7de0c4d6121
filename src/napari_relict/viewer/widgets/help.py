"""The list of keys, made from `keys.KEYS`."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from napari_relict.viewer.session.keys import KEYS

#: Groups side by side, and below each other: as wide as the smallest window.
COLUMNS = (("Rate",), ("Go", "Compare"), ("Look",))
WIDTH = 390  # pixels of a column


def help_html() -> str:
    columns = "".join(
        f"<td valign='top' width='{WIDTH}'>{''.join(_group(group) for group in groups)}</td>" for groups in COLUMNS
    )
    return f"<table cellspacing='10'><tr>{columns}</tr></table>"


def _group(group: str) -> str:
    rows = "".join(
        f"<tr><td><b>{escape(key.shown)}</b>&nbsp;&nbsp;&nbsp;</td><td>{escape(key.does)}</td></tr>"
        for key in KEYS
        if key.group == group
    )
    return f"<h3>{group}</h3><table cellpadding='1'>{rows}</table>"


def show_help(parent: QWidget) -> QDialog:
    """Open the list beside the work; it blocks nothing and Escape closes it."""
    dialog = QDialog(parent.window())
    dialog.setWindowTitle("Keys of the reading room")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    layout = QVBoxLayout(dialog)
    label = QLabel(help_html(), dialog)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setMinimumWidth(len(COLUMNS) * WIDTH)
    layout.addWidget(label)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    buttons.rejected.connect(dialog.close)
    layout.addWidget(buttons)
    dialog.show()
    return dialog
