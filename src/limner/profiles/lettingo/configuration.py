"""The settings of a LettinGo run: one file, `lettingo.toml`, for all three stages."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from limner.errors import ConfigurationError
from limner.memory.records import Record
from limner.profiles.lettingo.split import SplitSettings

__all__ = ["AlignSettings", "GeneratorSettings", "LettinGoSettings", "read_settings"]


class GeneratorSettings(Record):
    """One model that writes profiles, in one way.

    With `base_url` it is any OpenAI-compatible endpoint; with `folder` a Hugging Face folder that is loaded into this process
    (extra `train`; for small models); with neither, limner's own language model.
    """

    name: str = Field(min_length=1)
    """What its profiles are filed under."""
    base_url: str | None = None
    model: str | None = None
    """Served name: of a model, or of an adapter on it. None is limner's own setting."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the endpoint's key; the key itself stands in no file."""
    folder: Path | None = None
    adapter: Path | None = None
    """A LoRA adapter as PEFT saves it, on the model in `folder`."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the weights of `folder`."""
    device: str = "cpu"
    """Where the model of `folder` runs: `cpu`, `cuda`, `cuda:1`."""
    threads: int | None = Field(default=None, ge=1)
    """Threads that the model of `folder` computes with on a CPU; where others compute too, 1 can be many times faster."""
    batch_size: int = Field(default=16, ge=1)
    """Users whose profiles the model of `folder` writes at once."""
    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    prompt: str = "explore"
    """A prompt of `profiles/lettingo`: `explore`, `contrast`, or one of your own in the folder of prompts."""
    n: int | None = Field(default=None, ge=1)
    """Profiles per user; none takes the run's."""

    @model_validator(mode="after")
    def _one_place(self) -> "GeneratorSettings":
        if self.folder is not None and self.base_url is not None:
            raise ValueError(f"generator {self.name}: either base_url or folder, not both")
        if self.adapter is not None and self.folder is None:
            raise ValueError(
                f"generator {self.name}: adapter goes with folder; on a server, an adapter is named by model"
            )
        return self


class AlignSettings(Record):
    """How a generator is aligned. The defaults are for a small model on a CPU; see `docs/lettingo.md` for a GPU."""

    model: Path | str = ""
    """Hugging Face folder of the model to train, or its name in a local cache; nothing is downloaded."""
    generator: str | None = None
    """Whose prompt the model is trained on; none is the run's first."""
    judge: Literal["model", "text"] = "model"
    """Whose log-loss orders the profiles of a pair: the language model's, or the text recommender's."""
    margin: float = Field(default=0.005, ge=0)
    """Least difference in mean log-loss, in nats, between the two profiles of a pair; a sharper judge deserves a wider one."""
    pairs_per_user: int = Field(default=4, ge=1)
    """Most pairs of one user, widest margin first, no profile in more than two of them."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu"] = "auto"
    """`auto` takes a GPU where torch finds one."""
    threads: int | None = Field(default=None, ge=1)
    """Threads on a CPU; where others compute too, 1 can be many times faster than all."""
    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )
    """Layers that get an adapter."""
    beta: float = Field(default=0.1, gt=0)
    """Of DPO: how much leaving the base model costs."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of pairs that are taken to be the wrong way round (conservative DPO)."""
    learning_rate: float = Field(default=1e-4, gt=0)
    scheduler: str = "linear"
    warmup_steps: int = Field(default=0, ge=0)
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int = -1
    """Ends earlier than the epochs do where it is above 0."""
    batch_size: int = Field(default=1, ge=1)
    """Pairs at once on one device."""
    accumulation: int = Field(default=4, ge=1)
    """Batches per step of the optimiser."""
    gradient_checkpointing: bool = False
    """Trades a third more time for much less memory."""
    max_length: int = Field(default=1024, ge=64)
    """Longest prompt and profile together, in tokens; a pair that is longer is left out and counted, never cut."""
    precompute_reference: bool = True
    """Whether the base model's probabilities are computed once, before the training."""
    save_steps: int = Field(default=5, ge=1)
    """Steps between two checkpoints; a run that was killed goes on from the last one."""
    seed: int = 0


class LettinGoSettings(Record):
    """A whole run."""

    data: str = "ml-100k"
    """A data set by name, or a folder of RecBole atomic files."""
    split: SplitSettings = SplitSettings()
    generators: tuple[GeneratorSettings, ...] = (GeneratorSettings(name="default"),)
    n: int = Field(default=4, ge=1)
    """Profiles per user and generator."""
    words: int = Field(default=80, ge=10)
    """Longest profile, as the prompt asks for it."""
    max_tokens: int = Field(default=140, ge=16)
    """Where a profile is cut off; the sentence that is cut goes."""
    concurrency: int = Field(default=4, ge=1)
    """Calls at a time."""
    seed: int = 0
    """Of the profiles; each has one of its own, made of this, its user, generator and number."""
    align: AlignSettings = AlignSettings()

    @model_validator(mode="after")
    def _named_apart(self) -> "LettinGoSettings":
        names = [generator.name for generator in self.generators]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"there must be generators, and each needs a name of its own: {names}")
        return self


def read_settings(path: Path) -> LettinGoSettings:
    """Read a file of settings; relative folders in it are relative to it.

    Raises:
        ConfigurationError: It cannot be read, or holds something that is no setting or no value for one.
    """
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error
    fields["generators"] = fields.pop("generator", fields.get("generators", [{"name": "default"}]))
    try:
        return _placed(LettinGoSettings.model_validate(fields), path.absolute().parent)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'the file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigurationError(f"{path} cannot be used: {wrong}.") from error


def _placed(settings: LettinGoSettings, base: Path) -> LettinGoSettings:
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else base / path.expanduser()

    generators = tuple(
        one.model_copy(update={"folder": absolute(one.folder), "adapter": absolute(one.adapter)})
        for one in settings.generators
    )
    model = settings.align.model
    beside = base / Path(model).expanduser()
    align = settings.align.model_copy(update={"model": beside if model and beside.is_dir() else model})
    return settings.model_copy(update={"generators": generators, "align": align})
