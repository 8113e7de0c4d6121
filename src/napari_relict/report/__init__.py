"""The study's report: one HTML file that needs nothing else."""

from napari_relict.report.page import write_report

__all__ = ["write_report"]
