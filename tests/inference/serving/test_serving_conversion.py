"""A packaged model becomes a folder once, whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from limner.errors import NotFound
from limner.inference.embedded import MissingExtra
from limner.inference.packages import Asset, PackagedFile
from limner.inference.serving import conversion
from limner.inference.serving.conversion import converted, converted_folder

CONTENT = b"GGUF"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a packaged model in it that takes no package index."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    whole = PackagedFile.whole(path="tiny.gguf", wheel="tiny==1", member="tiny.gguf", size=4, sha256=sha256)
    tiny = Asset(name="tiny", kind="models", files=(whole,), licence="Apache-2.0")
    monkeypatch.setattr(conversion, "LANGUAGE_MODELS", {"tiny": tiny})
    monkeypatch.setattr(
        conversion, "gguf_file", lambda name, cache, progress: cache / "models/tiny/tiny.gguf"
    )
    monkeypatch.setattr(conversion, "find_spec", lambda name: True)
    return tmp_path


def test_it_is_converted_once(cache, monkeypatch) -> None:
    sources: list[Path] = []

    def convert(source: Path, target: Path) -> None:
        sources.append(source)
        target.mkdir()
        (target / "config.json").write_text("{}")

    monkeypatch.setattr(conversion, "_convert", convert)
    told: list[str] = []
    folder = converted("tiny", cache, telling=told.append)
    assert folder == converted_folder("tiny", cache)
    assert (folder / "config.json").exists()
    assert converted("tiny", cache, telling=told.append) == folder
    assert sources == [cache / "models/tiny/tiny.gguf"]
    assert len(told) == 1


def test_one_that_was_interrupted_begins_anew(cache, monkeypatch) -> None:
    def interrupted(source: Path, target: Path) -> None:
        target.mkdir()
        (target / "half.safetensors").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(conversion, "_convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        converted("tiny", cache)
    assert not converted_folder("tiny", cache).exists()
    monkeypatch.setattr(conversion, "_convert", lambda source, target: target.mkdir())
    assert [path.name for path in converted("tiny", cache).iterdir()] == [".converted"]


def test_another_content_is_converted_again(cache, monkeypatch) -> None:
    monkeypatch.setattr(conversion, "_convert", lambda source, target: target.mkdir())
    folder = converted("tiny", cache)
    (folder / ".converted").write_text("of an earlier version")
    (folder / "old").touch()
    assert not (converted("tiny", cache) / "old").exists()


def test_what_is_missing_is_named(cache, monkeypatch) -> None:
    monkeypatch.setattr(conversion, "find_spec", lambda name: None if name == "gguf" else True)
    with pytest.raises(MissingExtra, match=r"takes gguf: `pip install limner\[convert\]`"):
        converted("tiny", cache)
    with pytest.raises(NotFound, match="there are: tiny"):
        converted("huge", cache)
