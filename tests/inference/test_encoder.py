"""Which encoder the settings give, and encoders that other packages bring."""

import subprocess
import sys
from pathlib import Path

import pytest

from limner.errors import ConfigurationError
from limner.inference.encoder import Encoder, encoder
from limner.inference.encoders.sentence_transformers import SentenceTransformerEncoder
from limner.settings import Settings

PLUGIN = '''
import numpy as np
class Letters:
    """Counts letters."""
    version, dimension = "1", 26
    def __init__(self, name, settings):
        self.name = f"letters:{name}"
    def encode_query(self, texts):
        rows = np.array([[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
    encode_documents = encode_query
'''


def install(site: Path, package: str, target: str) -> None:
    """Lay out an installed package that registers an encoder `letters`."""
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[limner.encoders]\nletters = {target}\n")
    (site / f"{package}.py").write_text(PLUGIN)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_default_is_known_without_loading_it() -> None:
    found = encoder(Settings())
    assert (found.name, found.version, found.dimension) == ("all-MiniLM-L6-v2", "53aa51172d14", 384)
    assert isinstance(found, Encoder)


def test_making_an_encoder_imports_no_torch() -> None:
    script = (
        "import sys; from limner.settings import Settings; from limner.inference.encoder import encoder\n"
        "e = encoder(Settings()); e.name, e.version, e.dimension\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'sentence_transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_a_package_can_bring_an_encoder(site: Path) -> None:
    install(site, "limner_letters", "limner_letters:Letters")
    found = encoder(Settings(encoder="letters:latin"))
    assert found.name == "letters:latin"
    assert found.encode_query(["abba"]).shape == (1, 26)


def test_an_encoder_that_cannot_be_imported_is_named(site: Path) -> None:
    install(site, "limner_broken", "limner_broken:Missing")
    with pytest.raises(ConfigurationError, match="limner_broken:Missing"):
        encoder(Settings(encoder="letters:latin"))


def test_two_packages_with_one_name_are_refused(site: Path) -> None:
    install(site, "limner_one", "limner_one:Letters")
    install(site, "limner_two", "limner_two:Letters")
    with pytest.raises(ConfigurationError, match=r"limner_one:Letters, limner_two:Letters"):
        encoder(Settings(encoder="letters:latin"))


def test_a_name_with_another_prefix_is_a_model_name() -> None:
    assert isinstance(encoder(Settings(encoder="none-such:name")), SentenceTransformerEncoder)


def test_an_unknown_encoder_fails_at_its_first_use(tmp_path: Path) -> None:
    found = encoder(Settings(encoder="none-such", cache=tmp_path))
    with pytest.raises(ConfigurationError, match="none-such"):
        found.encode_query(["x"])
