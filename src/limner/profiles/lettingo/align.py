"""Align: a generator learns from pairs of profiles by direct preference optimisation (Wang et al. 2025, §3.3).

DPO (Rafailov et al. 2023, arXiv 2305.18290) with TRL, into a LoRA adapter with PEFT. Supervised fine-tuning is left out on
purpose, as in the paper: it would teach one format, where the point is that the format is free.

Nothing is downloaded, nothing is reported anywhere, and what is killed goes on from its last whole checkpoint.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import convert_to_openai_messages

from limner.errors import ConfigurationError, InputError, StoreError
from limner.inference import load_prompt
from limner.profiles.lettingo.configuration import AlignSettings
from limner.profiles.lettingo.explore import Progress, profile_messages
from limner.profiles.lettingo.generators import need_training
from limner.profiles.lettingo.pairs import Pair
from limner.profiles.lettingo.runs import RunFolder
from limner.settings import Settings

__all__ = ["Alignment", "align", "whole_checkpoint"]

_PAIRS = "pairs.jsonl"
_RECIPE = "recipe.json"
_DONE = "training.json"
_PARTS = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "adapter_model.safetensors")


@dataclass(frozen=True)
class Alignment:
    """A finished training."""

    adapter: Path
    """The PEFT folder, which vLLM loads as it is."""
    training: Mapping[str, Any]
    """Steps, losses, seconds, and how many pairs were left out for their length."""
    recipe: Mapping[str, Any]
    """What it was made from: data, settings, pairs."""


def _silent(stage: str, done: int, total: int) -> None:
    """Take no notice."""


def align(
    run: RunFolder,
    name: str,
    pairs: Sequence[Pair],
    wanted: AlignSettings,
    settings: Settings,
    *,
    progress: Progress = _silent,
) -> Alignment:
    """Train an adapter, or go on with a training that was killed, or return one that is done.

    Everything is kept under `align/NAME` of the run: the pairs, the recipe, checkpoints, and in the end `adapter`.

    Args:
        run: Whose histories the pairs are of.
        name: What to call the adapter.
        pairs: Better and worse profiles of the same histories; of `train` users alone.
        wanted: How to train.
        settings: limner's own, for prompts.
        progress: Told after each step.

    Raises:
        InputError: There are no pairs, one is of a user that is not trained on, or the folder holds an alignment of
            this name that was made otherwise.
        MissingExtra: The extra `train` is not installed.
        ConfigurationError: The model cannot be loaded; nothing is downloaded.
        StoreError: Another process trains in the folder.
    """
    need_training()
    folder = run.path / "align" / name
    with run.held("align"):
        recipe = _recipe(run, pairs, wanted, settings)
        _begin(folder, recipe, pairs)
        if not (folder / "adapter" / _DONE).is_file():
            with _offline():
                rows = _rows(run, pairs, recipe, settings)
                _train(folder, rows, wanted, progress)
        training = json.loads((folder / "adapter" / _DONE).read_text("utf-8"))
    return Alignment(folder / "adapter", training, recipe)


def whole_checkpoint(folder: Path) -> Path | None:
    """Return the latest checkpoint that was written whole, and remove those that were not."""
    found = []
    for path in folder.glob("checkpoint-*"):
        try:
            if all((path / part).stat().st_size for part in _PARTS):
                state = json.loads((path / "trainer_state.json").read_text("utf-8"))
                found.append((int(state["global_step"]), path))
                continue
        except (OSError, ValueError, KeyError):
            pass
        shutil.rmtree(path, ignore_errors=True)
    return max(found)[1] if found else None


def _recipe(
    run: RunFolder, pairs: Sequence[Pair], wanted: AlignSettings, settings: Settings
) -> dict[str, Any]:
    if not pairs:
        raise InputError(
            "No two profiles of a train user lie far enough apart to be paired: explore more profiles (n, temperature, "
            "generators), or lower align.margin."
        )
    cases = {case.user: case for case in run.cases()}
    for pair in pairs:
        if cases[pair.user].part != "train" or cases[pair.user].history_hash != pair.history:
            raise InputError(f"User {pair.user} is not one to train on, or the pair is of another history.")
    manifest = run.manifest
    generators = manifest["generators"]
    of = wanted.generator or next(iter(generators))
    if of not in generators:
        raise InputError(
            f"align.generator: there is no generator {of!r} in {run.path}; there are {', '.join(generators)}."
        )
    prompt = load_prompt(f"profiles/lettingo/{generators[of]['prompt']}", settings.prompts)
    if prompt.hash != generators[of]["prompt_hash"]:
        raise InputError(
            f"The prompt of {of} has changed since its profiles were written; explore anew, in a new folder."
        )
    return {
        "identity": manifest["identity"],
        "settings": wanted.model_dump(mode="json", exclude={"threads", "device", "save_steps"}),
        "generator": of,
        "prompt": generators[of]["prompt"],
        "prompt_hash": prompt.hash,
        "words": generators[of]["words"],
        "pairs": len(pairs),
        "users": len({pair.user for pair in pairs}),
        "pair_ids": [[pair.chosen, pair.rejected] for pair in pairs],
    }


def _begin(folder: Path, recipe: Mapping[str, Any], pairs: Sequence[Pair]) -> None:
    keeper = RunFolder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        there = json.loads((folder / _RECIPE).read_text("utf-8"))
    except FileNotFoundError:
        keeper.write_all(_PAIRS, pairs)
        keeper.write_json(_RECIPE, recipe)
        return
    except ValueError as error:
        raise StoreError(f"{folder / _RECIPE} cannot be read: {error}.") from error
    if there != json.loads(json.dumps(recipe)):
        changed = ", ".join(
            sorted(key for key in recipe if there.get(key) != json.loads(json.dumps(recipe[key])))
        )
        raise InputError(
            f"{folder} holds an alignment with another {changed}; give the new one a name of its own."
        )


def _rows(
    run: RunFolder, pairs: Sequence[Pair], recipe: Mapping[str, Any], settings: Settings
) -> list[dict[str, Any]]:
    """Return the pairs as conversations, as TRL takes them."""
    cases = {case.user: case for case in run.cases()}
    prompt = load_prompt(f"profiles/lettingo/{recipe['prompt']}", settings.prompts)
    kind, words = recipe["identity"]["kind"], recipe["words"]
    return [
        {
            "prompt": convert_to_openai_messages(profile_messages(prompt, cases[pair.user], kind, words)),
            "chosen": [{"role": "assistant", "content": pair.chosen_text}],
            "rejected": [{"role": "assistant", "content": pair.rejected_text}],
        }
        for pair in pairs
    ]


@contextmanager
def _offline() -> Iterator[None]:
    """Keep libraries from asking a hub or telling anybody anything."""
    names = (
        "HF_HUB_OFFLINE",
        "HF_DATASETS_OFFLINE",
        "HF_HUB_DISABLE_TELEMETRY",
        "DISABLE_TELEMETRY",
        "WANDB_MODE",
    )
    wanted = dict.fromkeys(names, "1") | {"WANDB_MODE": "disabled"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _train(folder: Path, rows: Sequence[dict[str, Any]], wanted: AlignSettings, progress: Progress) -> None:
    import datasets
    import torch
    import transformers
    from peft import LoraConfig
    from trl import DPOTrainer

    if wanted.threads is not None:
        torch.set_num_threads(wanted.threads)
    datasets.disable_progress_bars()
    transformers.set_seed(wanted.seed)  # the adapter's first weights are drawn before the trainer sets it
    model, tokenizer = _loaded(wanted)
    fitting = [row for row in rows if _length(tokenizer, row) <= wanted.max_length]
    if not fitting:
        raise InputError(f"Every pair is longer than {wanted.max_length} tokens; raise align.max_length.")
    trainer = DPOTrainer(
        model=model,
        args=_arguments(folder, wanted),
        train_dataset=datasets.Dataset.from_list(fitting),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=wanted.rank,
            lora_alpha=wanted.alpha,
            lora_dropout=wanted.dropout,
            target_modules=list(wanted.target_modules),
        ),
        callbacks=[_steps(progress)],
    )
    trainer.remove_callback(transformers.PrinterCallback)  # standard output is the caller's
    checkpoint = whole_checkpoint(folder / "checkpoints")
    result = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    partial = folder / "adapter.partial"
    shutil.rmtree(partial, ignore_errors=True)
    trainer.save_model(str(partial))
    (partial / "README.md").unlink(missing_ok=True)  # PEFT's form without a word in it
    told = {
        "steps": trainer.state.global_step,
        "epochs": trainer.state.epoch,
        "loss": result.training_loss,
        "pairs": len(fitting),
        "too_long": len(rows) - len(fitting),
        "resumed_from": None if checkpoint is None else checkpoint.name,
        "log": [
            {
                key: entry[key]
                for key in ("step", "loss", "rewards/accuracies", "rewards/margins")
                if key in entry
            }
            for entry in trainer.state.log_history
        ],
        "versions": _versions(),
    }
    (partial / _DONE).write_text(json.dumps(told, indent=2), "utf-8")
    shutil.rmtree(folder / "adapter", ignore_errors=True)
    partial.replace(folder / "adapter")


def _loaded(wanted: AlignSettings) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not str(wanted.model):
        raise ConfigurationError(
            "align.model is not set: name the Hugging Face folder of the model to train."
        )
    place: dict[str, Any] = {"local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(wanted.model, **place)
        model = AutoModelForCausalLM.from_pretrained(
            wanted.model, dtype=getattr(torch, wanted.dtype), **place
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"align.model: {wanted.model} cannot be loaded: {str(error).splitlines()[0]} Nothing is downloaded; "
            f"`limner model convert` makes a folder of a packaged model."
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _arguments(folder: Path, wanted: AlignSettings) -> Any:  # noqa: ANN401 - of TRL, which has no types here
    import torch
    from trl import DPOConfig

    cpu = wanted.device == "cpu" or not torch.cuda.is_available()
    return DPOConfig(
        output_dir=str(folder / "checkpoints"),
        use_cpu=cpu,
        # On a CPU the weights have the type already, and autocast would only get in the way.
        bf16=wanted.dtype == "bfloat16" and not cpu,
        fp16=wanted.dtype == "float16" and not cpu,
        per_device_train_batch_size=wanted.batch_size,
        gradient_accumulation_steps=wanted.accumulation,
        activation_checkpointing=wanted.gradient_checkpointing,
        learning_rate=wanted.learning_rate,
        lr_scheduler_type=wanted.scheduler,
        warmup_steps=wanted.warmup_steps,
        num_train_epochs=wanted.epochs,
        max_steps=wanted.max_steps,
        beta=wanted.beta,
        label_smoothing=wanted.label_smoothing,
        max_length=wanted.max_length,
        precompute_ref_log_probs=wanted.precompute_reference,
        seed=wanted.seed,
        data_seed=wanted.seed,
        save_strategy="steps",
        save_steps=wanted.save_steps,
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=1,
        report_to="none",
        push_to_hub=False,
        disable_tqdm=True,
        dataloader_pin_memory=not cpu,
    )


def _length(tokenizer: Any, row: Mapping[str, Any]) -> int:  # noqa: ANN401 - of transformers
    def tokens(answer: str) -> int:
        messages = [*row["prompt"], *row[answer]]
        return len(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"])

    return max(tokens("chosen"), tokens("rejected"))


def _steps(progress: Progress) -> Any:  # noqa: ANN401 - of transformers
    from transformers import TrainerCallback

    class Steps(TrainerCallback):
        """Tells how far the training has got."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
            """Tell it."""
            progress("train", state.global_step, state.max_steps)

    return Steps()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "trl", "peft")}
