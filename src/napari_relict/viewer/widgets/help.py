"""The list of keys, made from `keys.KEYS`."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from napari_relict.viewer.keys import KEYS


def help_html() -> str:
    parts = []
    for group in dict.fromkeys(key.group for key in KEYS):
        rows = "".join(
            f"<tr><td><b>{escape(key.shown)}</b>&nbsp;&nbsp;&nbsp;</td><td>{escape(key.does)}</td></tr>"
            for key in KEYS
            if key.group == group
        )
        parts.append(f"<td valign='top'><h3>{group}</h3><table cellpadding='2'>{rows}</table></td>")
    return f"<table cellspacing='14'><tr>{''.join(parts)}</tr></table>"


def show_help(parent: QWidget) -> QDialog:
    """Open the list beside the work; it blocks nothing and Escape closes it."""
    dialog = QDialog(parent.window())
    dialog.setWindowTitle("Keys of the reading room")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    layout = QVBoxLayout(dialog)
    label = QLabel(help_html(), dialog)
    label.setTextFormat(Qt.TextFormat.RichText)
    layout.addWidget(label)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    buttons.rejected.connect(dialog.close)
    layout.addWidget(buttons)
    dialog.show()
    return dialog
