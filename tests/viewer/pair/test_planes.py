from __future__ import annotations

import numpy as np

from napari_relict.viewer.pair.planes import VIEWS, Marks, Plane, letters, marks_in_3d


def test_radiological_marks() -> None:
    assert VIEWS[Plane.AXIAL].marks == Marks("R", "L", "A", "P")
    assert VIEWS[Plane.CORONAL].marks == Marks("R", "L", "S", "I")
    assert VIEWS[Plane.SAGITTAL].marks == Marks("A", "P", "S", "I")


def test_front_view_has_the_patients_right_on_the_left() -> None:
    assert marks_in_3d(view=(0, 1, 0), up=(1, 0, 0)) == Marks("R", "L", "S", "I")


def test_view_from_above_and_from_the_patients_left() -> None:
    # From the head down, nose up: the patient's left is on the left, as in a mirror of the axial plane.
    assert marks_in_3d(view=(-1, 0, 0), up=(0, -1, 0)) == Marks("L", "R", "A", "P")
    assert marks_in_3d(view=(0, 0, -1), up=(1, 0, 0)) == Marks("A", "P", "S", "I")


def test_oblique_directions_have_two_letters() -> None:
    assert letters(np.array([1, 0, 0.9])) == "SL"
    assert letters((0.1, -1, 0.1)) == "A"
