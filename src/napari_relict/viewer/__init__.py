"""The napari plugin: look at a match, rate it, watch the thresholds move.

Controllers (`session`; `scene` with its tools `windows`, `outlines`, `third_cell`, `pointer`, `marker`, `mouse`,
`writing`) know neither Qt nor OpenGL and are tested with `napari.components.ViewerModel`. What they compute is in
files that do not know napari either: `pairs`, `registering`, `windowing`, `composites`, `compare`, `difference`,
`label_scores`, `lines`, `regions`, `planes`, `framing`, `altering`, `feature_eye`, `quality_lines`, `training_clock`,
`training_work`. `flicker` and `volumes_beside` need Qt, and so does `long_job`, which runs what takes minutes.
`widgets/` draw and emit signals and know nothing of studies being written; `review` joins them, with
`quality` and `playing` for those tabs; `plugin` and `training` are where napari and the command line come in.
"""
