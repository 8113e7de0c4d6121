"""Tables and points that widgets show, without a widget."""
