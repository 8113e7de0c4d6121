"""Background work of the viewer."""
