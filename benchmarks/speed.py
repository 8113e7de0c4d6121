"""How fast the tool is, against what people use and against the machine itself, all in one run.

    python -m benchmarks.speed [--quick]

Writes the section Speed of docs/benchmarks.md and its picture. `--quick` takes small sizes and writes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks import speed_segmentation, speed_ssim
from benchmarks.page import IMAGES, machine, table, write_section
from benchmarks.speed_embeddings import measure_embeddings
from benchmarks.speed_loading import measure_loading
from benchmarks.speed_search import BOTH, measure_search
from benchmarks.timing import Row

PICTURE = "benchmark-speed.svg"
PACKAGES = (
    *("numpy", "scipy", "numba", "torch", "scikit-image", "scikit-learn", "SimpleITK", "monai", "torchmetrics"),
    *("pytorch-msssim", "surface-distance", "faiss-cpu", "nibabel"),
)
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
# What the tool is to reach: beginnings of part, size and peer, and how many times the peer's speed.
AIMS = (
    (f"NCC, {BOTH}", "50 x", "numpy", 500),
    (f"NCC, {BOTH}", "500 x", "numpy", 2000),
    ("SSIM gaussian", "", "scikit-image", 100),
    ("SSIM gaussian", "", "MONAI", 250),
    ("MS-SSIM", "", "pytorch-msssim", 100),
    ("MS-SSIM", "", "MONAI", 200),
    ("embeddings", "200 in 1e+06", "torch", 3),
    ("embeddings", "200 in 1e+06", "faiss", 10),
    ("Dice", "", "MONAI", 500),
    ("HD95", "", "MONAI", 150),
    ("surface Dice", "", "MONAI", 150),
    ("loading", "", "nibabel", 5),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written")
    quick = parser.parse_args().quick
    if quick:
        search, limits = measure_search(training=12, queries=(4, 8), side=32)
        rows = [*search, *measure_embeddings((10_000,)), *measure_loading(side=48, files=4)]
        rows += [*speed_ssim.measure_pairs((32,)), *speed_segmentation.measure_pairs(32, 2)]
    else:
        search, limits = measure_search()
        rows = [*search, *measure_embeddings(), *measure_loading()]
        rows += [*speed_ssim.measure_pairs(), *speed_segmentation.measure_pairs()]
    text = section(rows, limits)
    print(text)
    if not quick:
        write_section("Speed", text)
        picture(rows, IMAGES / PICTURE)


def section(rows: Sequence[Row], limits: Sequence[Row]) -> str:
    """The section in Markdown; what a row's times mean stands below the table, once."""
    notes: list[str] = []
    lines = []
    for row in rows:
        note = str(row["note"])
        if note and note not in notes:
            notes.append(note)
        numbers = [number(row[key]) for key in ("peer_ms", "ours_ms")]
        ratio = "" if row["ratio"] is None else f"**{number(row['ratio'])}**"
        wanted = aim(row)
        place = str(notes.index(note) + 1) if note else ""
        tail = ["" if wanted is None else str(wanted), number(row["difference"]), place]
        lines.append([*(str(row[key]) for key in ("part", "size", "peer")), *numbers, ratio, *tail])
    measured = table(["part", "size", "peer", "peer, ms", "ours, ms", "ratio", "aim", "difference", "note"], lines)
    bounds = table(
        ["alone", "job", "rate", "seconds"],
        [[str(row["limit"]), str(row["size"]), str(row["rate"]), number(row["seconds"])] for row in limits],
    )
    explained = "\n".join(f"{place}. {note}" for place, note in enumerate(notes, start=1))
    return f"""## Speed

    python -m benchmarks.speed

{machine(PACKAGES)}, {instructions()}. Peer and ours in one run: the ratio is the peer's time over ours, so larger is
faster; milliseconds on another machine differ. "Difference" is how far the peer's value is from ours, which is that of
float64 (for the NCC whose order is made certain: how far the matrix is from float64, before that). "Aim" was set
beforehand.

{measured}

{explained}

![Ratios by part and peer](images/{PICTURE})

What the search cannot do without, each alone on this machine in the same run:

{bounds}
"""


def aim(row: Row) -> int | None:
    for part, size, peer, ratio in AIMS:
        start = (part, size, peer)
        if all(str(row[key]).startswith(begin) for key, begin in zip(("part", "size", "peer"), start, strict=True)):
            return ratio if "certain" not in str(row["part"]) else None
    return None


def number(value: object) -> str:
    """Three digits; small ones with an exponent."""
    if not isinstance(value, float):
        return "" if value is None else str(value)
    if value == 0 or 1e-3 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1e}"


def instructions() -> str:
    """The processor's wide instructions, where the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").lower()
    except OSError:
        return "instruction sets unknown"
    return " ".join(name for name in INSTRUCTIONS if f" {name} " in text.replace("\n", " ")) or "no wide instructions"


def picture(rows: Sequence[Row], path: Path) -> None:
    """A bar for every peer with a ratio, at each part's largest size."""
    largest = {row["part"]: row["size"] for row in rows}
    shown = [
        row
        for row in rows
        if isinstance(row["ratio"], float)
        and row["size"] == largest[row["part"]]
        and not str(row["peer"]).startswith("ours")
    ]
    ratios = [float(str(row["ratio"])) for row in shown]
    figure = Figure(figsize=(10, 0.27 * len(shown) + 1.4), layout="constrained")
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, ratios, color=["#3b6ea5" if ratio >= 1 else "#b0552f" for ratio in ratios])
    axes.set_yticks(places, [f"{row['part']}, {row['size']}: {row['peer']}" for row in shown], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(0.3, *ratios), 3 * max(ratios))
    axes.xaxis.set_major_locator(LogLocator(10, numticks=10))
    axes.yaxis.set_minor_locator(NullLocator())
    for place, row, ratio in zip(places, shown, ratios, strict=True):
        wanted = aim(row)
        text = f" {number(ratio)}" + (f" (aim {wanted})" if wanted else "")
        axes.text(ratio, place, text, va="center", fontsize=8)
        if wanted:
            axes.plot([wanted, wanted], [place - 0.4, place + 0.4], color="black", linewidth=1.5)
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_xlabel("times the peer's speed")
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
