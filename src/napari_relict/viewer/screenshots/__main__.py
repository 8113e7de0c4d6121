"""Pictures of the real window, for the docs: `python -m napari_relict.viewer.screenshots STUDY --to DIR [--ct STUDY]`.

Works on a copy of what a study needs to be read, its database above all: the ratings made for the pictures are
never written into the study itself. Needs a display with OpenGL (`xvfb-run` will do).

Grades come from the truth of a demo study (`source/truth.csv`). Other studies have none; there the stored
verdicts are repeated, and the calibration picture only shows what the panel looks like.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from napari_relict.study import Study
from napari_relict.viewer.screenshots.learning import learning_pictures
from napari_relict.viewer.screenshots.reading import reading_pictures
from napari_relict.viewer.screenshots.review import review_pictures
from napari_relict.viewer.screenshots.window import copy_of, true_grades


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--ct", type=Path, help="a study of CT, for one more picture")
    parser.add_argument("--ratings", type=int, default=16, help="pairs to rate for the pictures")
    parser.add_argument("--all", action="store_true", help="of reading, quality, alterations and training, too")
    parser.add_argument("--learning", action="store_true", help="only quality, alteration and training")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if given.all or given.learning:
            learning_pictures(copy_of(given.study, Path(place) / "learning"), given.study, given.to)
        if given.learning:
            return
        copies = [
            copy_of(study, Path(place) / name) for name, study in (("mr", given.study), ("ct", given.ct)) if study
        ]
        review_pictures(copies[0], given.to, given.ratings, *copies[1:])
        if given.all:
            fresh = copy_of(given.study, Path(place) / "reading")
            reading_pictures(fresh, given.to, true_grades(fresh, Study.open(fresh).verdicts()))


if __name__ == "__main__":
    main()
