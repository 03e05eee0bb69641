"""Models that write profiles: any OpenAI-compatible endpoint, or a folder that is loaded into this process."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import anyio
import anyio.lowlevel
from anyio import to_thread
from langchain_core.messages import BaseMessage, convert_to_openai_messages
from pydantic import SecretStr

from limner.errors import ConfigurationError, ModelError, ModelUnavailable
from limner.inference import LanguageModel
from limner.inference.embedded import MissingExtra
from limner.inference.language_model import language_model
from limner.inference.together import together
from limner.profiles.lettingo.configuration import GeneratorSettings
from limner.settings import Settings

__all__ = ["Draft", "EndpointGenerator", "FolderGenerator", "Generator", "generator", "need_training"]

_END = re.compile(r"[.!?…。！？][\"')\]*]*(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of one try."""

    text: str | None
    truncated: bool = False
    error: str | None = None


class Generator(Protocol):
    """Writes several texts to one prompt."""

    async def write(
        self, messages: Sequence[BaseMessage], seeds: Sequence[int], max_tokens: int
    ) -> list[Draft]:
        """Write one text for each seed.

        Raises:
            ModelUnavailable: Nobody answers; nothing was written.
        """
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...


def generator(wanted: GeneratorSettings, settings: Settings) -> Generator:
    """Return the generator of these settings; a model is loaded when it is first asked.

    Raises:
        ConfigurationError: The variable that should hold the endpoint's key is not set, or there is no such folder.
        MissingExtra: The extra `train` is not installed, which a folder takes.
    """
    if wanted.folder is not None:
        return FolderGenerator(wanted)
    update: dict[str, Any] = {"temperature": wanted.temperature}
    if wanted.base_url is not None:
        update |= {"base_url": wanted.base_url, "api_key": None}
    if wanted.model is not None:
        update["model"] = wanted.model
    if wanted.api_key_env is not None:
        key = os.environ.get(wanted.api_key_env)
        if not key:
            raise ConfigurationError(
                f"generator {wanted.name}: the variable {wanted.api_key_env} is not set."
            )
        update["api_key"] = SecretStr(key)
    return EndpointGenerator(language_model(settings.model_copy(update=update)), wanted, owned=True)


def drafted(text: str, *, truncated: bool) -> Draft:
    """Return what a model wrote, less the sentence that it was cut off in."""
    text = text.strip()
    if truncated:
        ends = [match.end() for match in _END.finditer(text)]
        text = text[: ends[-1]] if ends else text
    return Draft(text, truncated) if text else Draft(None, truncated, "the model wrote nothing")


class EndpointGenerator:
    """Asks a server once for each text.

    Args:
        model: The client.
        wanted: Temperature and the like.
        owned: Whether `close` closes the client.
    """

    def __init__(self, model: LanguageModel, wanted: GeneratorSettings, *, owned: bool = False) -> None:
        self.model = model
        self._wanted = wanted
        self._owned = owned

    async def write(
        self, messages: Sequence[BaseMessage], seeds: Sequence[int], max_tokens: int
    ) -> list[Draft]:
        """Write one text for each seed, side by side."""
        drafts: list[Draft | None] = [None] * len(seeds)

        async def one(place: int) -> None:
            drafts[place] = await self._one(messages, seeds[place], max_tokens)

        await together(partial(one, place) for place in range(len(seeds)))
        return [draft for draft in drafts if draft is not None]

    async def _one(self, messages: Sequence[BaseMessage], seed: int, max_tokens: int) -> Draft:
        body = {"seed": seed} | ({"top_p": self._wanted.top_p} if self._wanted.top_p < 1 else {})
        try:
            reply = await self.model.areply(
                messages,
                stage="lettingo explore",
                max_tokens=max_tokens,
                temperature=self._wanted.temperature,
                body=body,
            )
        except ModelUnavailable:
            raise
        except ModelError as error:
            return Draft(None, error=str(error))
        return drafted(reply.text, truncated=reply.truncated)

    def close(self) -> None:
        """Close the client, if it is this one's."""
        if self._owned:
            self.model.close()


@dataclass
class _Asked:
    """A prompt that waits for its batch."""

    messages: Sequence[BaseMessage]
    seeds: Sequence[int]
    max_tokens: int
    drafts: list[Draft] | None = None


class FolderGenerator:
    """Loads a model with transformers, and an adapter on it with PEFT.

    Prompts that wait at the same time are answered in one batch: for a small model a batch takes hardly longer than one text.

    Args:
        wanted: Folder, adapter, device, temperature.

    Raises:
        MissingExtra: The extra `train` is not installed.
        ConfigurationError: There is no such folder.
    """

    def __init__(self, wanted: GeneratorSettings) -> None:
        need_training()
        for folder in (wanted.folder, wanted.adapter):
            if folder is not None and not folder.is_dir():
                raise ConfigurationError(f"generator {wanted.name}: there is no folder {folder}.")
        self._wanted = wanted
        self._loaded: tuple[Any, Any] | None = None
        self._waiting: list[_Asked] = []
        self._turn = anyio.Lock()

    async def write(
        self, messages: Sequence[BaseMessage], seeds: Sequence[int], max_tokens: int
    ) -> list[Draft]:
        """Write one text for each seed; the first seed of a batch stands for all of it."""
        asked = _Asked(messages, seeds, max_tokens)
        self._waiting.append(asked)
        await anyio.lowlevel.checkpoint()  # so that those who ask at the same time are in the batch
        async with self._turn:
            if asked.drafts is None:
                alike = (len(seeds), max_tokens)
                batch = [one for one in self._waiting if (len(one.seeds), one.max_tokens) == alike]
                batch = batch[: self._wanted.batch_size]
                self._waiting = [one for one in self._waiting if one not in batch]
                await to_thread.run_sync(self._write, batch)
        assert asked.drafts is not None
        return asked.drafts

    def close(self) -> None:
        """Let go of the model."""
        self._loaded = None

    def _write(self, batch: Sequence[_Asked]) -> None:
        import torch

        if self._wanted.threads is not None:
            torch.set_num_threads(self._wanted.threads)
        model, tokenizer = self._models()
        prompts = tokenizer.apply_chat_template(
            [convert_to_openai_messages(list(one.messages)) for one in batch],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        each = len(batch[0].seeds)
        sampled = self._wanted.temperature > 0
        torch.manual_seed(batch[0].seeds[0])
        sampling: dict[str, Any] = {"do_sample": False}
        if sampled:
            sampling = {
                "do_sample": True,
                "temperature": self._wanted.temperature,
                "top_p": self._wanted.top_p,
                "top_k": 0,
                "num_return_sequences": each,
            }
        with torch.inference_mode():
            written = model.generate(
                **prompts,
                **sampling,
                max_new_tokens=batch[0].max_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
        drafts = [
            self._draft(tokens, tokenizer, model) for tokens in written[:, prompts["input_ids"].shape[1] :]
        ]
        for place, one in enumerate(batch):
            # Without sampling every try is the same.
            one.drafts = drafts[place * each : (place + 1) * each] if sampled else [drafts[place]] * each

    def _draft(self, tokens: Any, tokenizer: Any, model: Any) -> Draft:  # noqa: ANN401 - torch and transformers
        ends = model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        ended = any(int(token) in ends for token in tokens)
        return drafted(tokenizer.decode(tokens, skip_special_tokens=True), truncated=not ended)

    def _models(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            wanted = self._wanted
            assert wanted.folder is not None
            place: dict[str, Any] = {"local_files_only": True}
            dtype = getattr(torch, wanted.dtype)
            try:
                tokenizer = AutoTokenizer.from_pretrained(wanted.folder, padding_side="left", **place)
                model: Any = AutoModelForCausalLM.from_pretrained(wanted.folder, dtype=dtype, **place)
                if wanted.adapter is not None:
                    from peft import PeftModel

                    model = PeftModel.from_pretrained(model, wanted.adapter)
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    f"generator {wanted.name} cannot be loaded: {str(error).splitlines()[0]}"
                ) from error
            if tokenizer.pad_token is None:
                tokenizer.pad_token = tokenizer.eos_token
            self._loaded = (model.to(wanted.device).eval(), tokenizer)
        return self._loaded


def need_training() -> None:
    """Make sure that what training and its models take is there.

    Raises:
        MissingExtra: Something is not; the message names the extra.
    """
    from importlib.util import find_spec

    missing = [
        name for name in ("torch", "transformers", "peft", "trl", "datasets") if find_spec(name) is None
    ]
    if missing:
        raise MissingExtra(
            f"To train a generator takes {' and '.join(missing)}: `pip install limner[train]`."
        )
