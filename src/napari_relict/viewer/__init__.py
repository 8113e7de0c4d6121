"""The napari plugin: look at a match, rate it, watch the thresholds move.

Controllers (`session`, `scene`, `pairs`, `difference`) know neither Qt nor OpenGL and are tested with
`napari.components.ViewerModel`; `widgets/` draw and emit signals and know nothing of studies being written;
`review` joins them; `plugin` is where napari and the command line come in.
"""
