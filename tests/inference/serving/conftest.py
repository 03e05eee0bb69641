"""A vLLM that is none, and a model folder that holds no weights."""

import json
import sys
from pathlib import Path

import pytest

from fake_vllm_processes import FAKE, Processes


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """Have `python -m vllm…` run the fake, and know its processes."""
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setenv("FAKE_VLLM_FOLDER", str(folder))
    return Processes(folder)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "Qwen2.5-7B-Instruct"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    return folder


@pytest.fixture
def lora(tmp_path: Path):
    """Make the folder of an adapter."""

    def make(name: str = "adapter", **configuration: object) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"r": 8, **configuration}))
        (folder / "adapter_model.safetensors").touch()
        return folder

    return make


@pytest.fixture
def without_vllm(tmp_path: Path) -> Path:
    """A Python that has nothing but the standard library."""
    path = tmp_path / "bare-python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    path.chmod(0o755)
    return path
