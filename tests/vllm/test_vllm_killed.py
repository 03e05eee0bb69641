"""Real vLLM, killed in the middle; its tests come after all others that use the server."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from contracts.model_server_contract import STORY, Served
from limner import Limner
from limner.errors import ModelUnavailable
from limner.inference import LanguageModel
from limner.inference.serving import VLLMServer
from limner.settings import Settings
from limner.testing import HashEncoder

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(400)]


def group_of(pid: int) -> list[int]:
    """Return the processes of the group that a process belongs to."""
    group, found = os.getpgid(pid), []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if os.getpgid(int(folder.name)) == group:
                    found.append(int(folder.name))
            except ProcessLookupError:
                pass
    return found


async def read_and_kill(model: LanguageModel, pid: int) -> None:
    """Read a stream, and kill who sends it after some pieces."""
    pieces = 0
    async for _ in model.astream(STORY, stage="s", max_tokens=900):
        pieces += 1
        if pieces == 5:
            os.kill(pid, signal.SIGKILL)


async def test_a_server_killed_in_the_middle_loses_nothing_and_leaves_nothing(
    server: VLLMServer, served: Served, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path,
        base_url=served.base_url,
        api_key=served.api_key,
        model=served.model,
        dataset=None,
        call_plan="small",
        timeout_s=60,
    )
    processes = group_of(server.pid)
    assert len(processes) > 2  # the keeper, the server and its engine
    with Limner.open(settings=settings, encoder=HashEncoder()) as limner:
        ada = limner.user("ada")
        for number in range(40):
            ada.observe(f"I have {number} hens and like every one of them.", key=str(number))
        seen, caught = threading.Event(), []

        def reflect() -> None:
            try:
                ada.reflect(progress=lambda step: seen.set())
            except ModelUnavailable as error:
                caught.append(error)

        thread = threading.Thread(target=reflect)
        thread.start()
        assert seen.wait(60)
        with pytest.raises(ModelUnavailable):
            await read_and_kill(limner.model, server.pid)
        thread.join(60)
        assert not thread.is_alive()
        assert len(caught) == 1
        status = ada.status()
        assert (status.observations, status.parked) == (40, ())
        assert status.pending > 0
        assert (
            status.pending == len(ada.observations(pending=True)) == 40 - len(ada.observations(pending=False))
        )
        with pytest.raises(ModelUnavailable, match="Nothing answers"):
            await limner.model.acomplete(STORY, stage="s", max_tokens=3)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
    assert not server.running
