"""Trains for real, on a tiny model that is made on the spot."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lettingo_run import aligned, begun, tiny_settings
from tiny_model import tiny_model

from limner.errors import ConfigurationError, InputError
from limner.inference.serving.adapter_folder import AdapterFolder
from limner.profiles.lettingo.align import align, whole_checkpoint
from limner.profiles.lettingo.card import write_card
from limner.profiles.lettingo.configuration import GeneratorSettings
from limner.profiles.lettingo.generators import FolderGenerator
from limner.profiles.lettingo.merge import merge
from limner.settings import Settings

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, model):
    return aligned(tmp_path_factory.mktemp("trained") / "run", model, epochs=6.0)


def test_training_tells_the_better_from_the_worse(trained) -> None:
    losses = [entry["loss"] for entry in trained.training["log"] if "loss" in entry]
    assert losses[0] == pytest.approx(0.693, abs=0.01)
    assert losses[-1] < 0.5
    assert trained.training["pairs"] == 3
    assert trained.training["too_long"] == 0


def test_the_adapter_is_as_peft_and_vllm_want_it(trained, model) -> None:
    read = AdapterFolder.read("aligned", trained.adapter)
    assert read.rank == 2
    assert read.base_model == str(model)


async def test_the_adapter_changes_what_is_written_and_so_does_the_merged_model(
    trained, model, tmp_path
) -> None:
    from langchain_core.messages import HumanMessage

    async def written(**place):
        writer = FolderGenerator(GeneratorSettings(name="x", threads=1, temperature=0.0, **place))
        return (await writer.write([HumanMessage("Films.")], [1, 2], 20))[0].text

    base = await written(folder=model)
    changed = await written(folder=model, adapter=trained.adapter)
    assert changed != base
    whole = merge(trained.adapter, tmp_path / "merged")
    assert (whole / "model.safetensors").is_file()
    with pytest.raises(InputError, match="there already"):
        merge(trained.adapter, whole)


def test_the_card_says_what_it_was_made_from(trained) -> None:
    assert not (trained.adapter / "README.md").exists()
    card = write_card(trained.adapter, trained.recipe, trained.training, "| better | worse |").read_text()
    for said in ("hash `x`", "3 of 3 users", "beta 0.1", "| better | worse |", "licence holds", "trl"):
        assert said in card


def test_a_training_that_is_done_is_not_done_again(trained, model) -> None:
    again = aligned(
        trained.adapter.parents[2], model, epochs=6.0, progress=lambda *told: pytest.fail("trained again")
    )
    assert again == trained


def test_other_settings_under_the_same_name_are_refused(trained, model) -> None:
    with pytest.raises(InputError, match="another settings"):
        aligned(trained.adapter.parents[2], model, epochs=7.0)


def test_a_training_that_is_killed_goes_on_to_the_same_weights(tmp_path, model) -> None:
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": str(here)}
    process = subprocess.Popen(
        [sys.executable, here / "train_tiny.py", tmp_path / "killed", model],
        env=environment,
        cwd=here,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("train 3 "):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    checkpoints = tmp_path / "killed/align/aligned/checkpoints"
    assert whole_checkpoint(checkpoints) is not None
    assert not (tmp_path / "killed/align/aligned/adapter").exists()
    steps = []
    resumed = aligned(tmp_path / "killed", model, progress=lambda stage, done, total: steps.append(done))
    assert resumed.training["resumed_from"] in ("checkpoint-2", "checkpoint-3")
    assert steps[0] > 2
    straight = aligned(tmp_path / "straight", model)
    weights = [(one.adapter / "adapter_model.safetensors").read_bytes() for one in (resumed, straight)]
    assert weights[0] == weights[1]


def test_a_checkpoint_that_was_not_written_whole_is_not_gone_on_from(tmp_path) -> None:
    for number in (2, 4):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        for part in ("optimizer.pt", "scheduler.pt", "adapter_model.safetensors"):
            (folder / part).write_bytes(b"x")
    (tmp_path / "checkpoint-2/trainer_state.json").write_text(json.dumps({"global_step": 2}))
    (tmp_path / "checkpoint-4/trainer_state.json").write_text('{"global_st')
    assert whole_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    assert not (tmp_path / "checkpoint-4").exists()


def test_pairs_that_are_too_long_are_left_out_and_counted(tmp_path, model) -> None:
    with pytest.raises(InputError, match="longer than 64 tokens"):
        aligned(tmp_path / "run", model, max_length=64)


def test_a_test_user_is_not_trained_on(tmp_path, model) -> None:
    run, pairs = begun(tmp_path / "run")
    stranger = next(case for case in run.cases() if case.part == "test")
    wrong = pairs[0].model_copy(update={"user": stranger.user, "history": stranger.history_hash})
    with pytest.raises(InputError, match="not one to train on"):
        align(run, "aligned", [wrong], tiny_settings(model), Settings())
    with pytest.raises(InputError, match="No two profiles"):
        align(run, "aligned", [], tiny_settings(model), Settings())


def test_a_model_that_is_not_here_is_not_downloaded(tmp_path) -> None:
    start = time.monotonic()
    with pytest.raises(ConfigurationError, match="Nothing is downloaded"):
        aligned(tmp_path / "run", Path("nobody/nothing-7B"))
    assert time.monotonic() - start < 20
