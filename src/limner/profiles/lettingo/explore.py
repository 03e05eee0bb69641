"""Explore: several models write free-form profiles of each user's long-term history (Wang et al. 2025, §3.1)."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from limner.errors import ModelUnavailable
from limner.inference import Prompt, load_prompt
from limner.inference.together import together
from limner.profiles.lettingo.configuration import GeneratorSettings, LettinGoSettings
from limner.profiles.lettingo.generators import Generator, generator
from limner.profiles.lettingo.judge import rated_lines
from limner.profiles.lettingo.runs import RunFolder, WrittenProfile
from limner.profiles.lettingo.split import Case, cases_of, data_hash
from limner.settings import Settings
from limner.tools.datasets import Dataset, load_dataset

__all__ = ["Explored", "Progress", "aexplore", "latest", "profile_messages"]

PROFILES = "profiles.jsonl"

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def _silent(stage: str, done: int, total: int) -> None:
    """Take no notice."""


class Explored:
    """What an exploration left: profiles written, and tries that failed."""

    def __init__(self, profiles: Sequence[WrittenProfile]) -> None:
        self.profiles = tuple(profiles)
        self.written = sum(one.text is not None for one in profiles)
        self.failed = len(profiles) - self.written


async def aexplore(
    run: RunFolder,
    wanted: LettinGoSettings,
    settings: Settings,
    *,
    parts: Sequence[str] = ("dev", "train", "test"),
    retry_failed: bool = False,
    progress: Progress = _silent,
    dataset: Dataset | None = None,
) -> Explored:
    """Let every generator write its profiles of every user; what is there already is not written again.

    A profile is written from `Case.history` alone: neither recent items nor targets reach a generator. May be killed:
    whole profiles are kept, and the next call goes on. A try that fails is a row with its reason.

    Args:
        run: Where to write.
        wanted: The run's settings; a later call may name further generators.
        settings: limner's own, for endpoints and prompts.
        parts: Whose profiles.
        retry_failed: Whether to try those again that failed.
        progress: Told after each user.
        dataset: The data, where it is at hand already.

    Raises:
        InputError: The folder holds a run on other data, or too few users have enough ratings.
        ConfigurationError: A generator cannot be had.
        ModelUnavailable: An endpoint stays down; what was written is kept.
        StoreError: Another process works in the folder.
    """
    dataset = dataset or load_dataset(wanted.data, settings)
    prompts = {one.name: _prompt(one, settings.prompts) for one in wanted.generators}
    with run.held("explore"):
        cases = cases_of(dataset, wanted.split)
        run.begin(
            _identity(dataset, wanted),
            cases,
            generators={one.name: _described(one, prompts[one.name], wanted) for one in wanted.generators},
        )
        cases = [case for case in run.cases() if case.part in parts]
        there = latest(run.read(PROFILES, WrittenProfile))
        done = {key for key, row in there.items() if row.text is not None or not retry_failed}
        down: list[ModelUnavailable] = []

        async def one_of_them(one: GeneratorSettings) -> None:
            todo = [(case, _numbers(case, one, wanted, done)) for case in cases]
            todo = [(case, numbers) for case, numbers in todo if numbers]
            exploration = _Exploration(run, wanted, dataset.item_type, one, prompts[one.name], progress)
            try:
                if todo:
                    await exploration.write(todo, settings)
            except ModelUnavailable as error:
                down.append(error)  # the others have servers of their own, and go on

        await together(partial(one_of_them, one) for one in wanted.generators)
        if down:
            raise down[0]
    return Explored(list(latest(run.read(PROFILES, WrittenProfile)).values()))


def latest(rows: Sequence[WrittenProfile]) -> dict[str, WrittenProfile]:
    """Return the last try of each profile, by id."""
    return {row.id: row for row in rows}


def profile_messages(prompt: Prompt, case: Case, kind: str, words: int) -> list[Any]:
    """Return what a generator is asked: the history, and nothing that came later."""
    return prompt.messages(kind=kind, words=words, ratings=rated_lines(case.history))


class _Exploration:
    """The profiles of one generator."""

    def __init__(
        self,
        run: RunFolder,
        wanted: LettinGoSettings,
        kind: str,
        one: GeneratorSettings,
        prompt: Prompt,
        progress: Progress,
    ) -> None:
        self.run, self.wanted, self.kind, self.one, self.prompt = run, wanted, kind, one, prompt
        self.progress = progress

    async def write(self, todo: Sequence[tuple[Case, list[int]]], settings: Settings) -> None:
        at_once = self.wanted.concurrency if self.one.folder is None else self.one.batch_size
        finished = 0
        with ExitStack() as ends:
            writer = generator(self.one, settings)
            ends.callback(writer.close)

            async def user(case: Case, numbers: list[int]) -> None:
                nonlocal finished
                await self._user(writer, case, numbers)
                finished += 1
                self.progress(self.one.name, finished, len(todo))

            self.progress(self.one.name, 0, len(todo))
            await together((partial(user, *one) for one in todo), at_once=at_once)

    async def _user(self, writer: Generator, case: Case, numbers: Sequence[int]) -> None:
        messages = profile_messages(self.prompt, case, self.kind, self.wanted.words)
        seeds = [_seed(self.wanted.seed, self.one.name, case.user, number) for number in numbers]
        drafts = await writer.write(messages, seeds, self.wanted.max_tokens)
        self.run.append(
            PROFILES,
            [
                WrittenProfile(
                    user=case.user,
                    part=case.part,
                    generator=self.one.name,
                    number=number,
                    seed=seed,
                    history=case.history_hash,
                    text=draft.text,
                    truncated=draft.truncated,
                    error=draft.error,
                )
                for number, seed, draft in zip(numbers, seeds, drafts, strict=True)
            ],
        )


def _prompt(one: GeneratorSettings, folder: Path | None) -> Prompt:
    return load_prompt(f"profiles/lettingo/{one.prompt}", folder)


def _identity(dataset: Dataset, wanted: LettinGoSettings) -> dict[str, Any]:
    return {
        "data": dataset.name,
        "data_hash": data_hash(dataset),
        "kind": dataset.item_type,
        "split": wanted.split.model_dump(mode="json"),
        "seed": wanted.seed,
    }


def _described(one: GeneratorSettings, prompt: Prompt, wanted: LettinGoSettings) -> dict[str, Any]:
    """Return what a generator is made of; a URL may hold a password and is left out."""
    described = one.model_dump(
        mode="json", exclude={"name", "base_url", "api_key_env", "n", "device", "threads", "batch_size"}
    )
    return {**described, "prompt_hash": prompt.hash, "words": wanted.words, "max_tokens": wanted.max_tokens}


def _numbers(case: Case, one: GeneratorSettings, wanted: LettinGoSettings, done: set[str]) -> list[int]:
    asked = range(one.n or wanted.n)
    return [number for number in asked if f"{one.name}/{case.user}/{number}" not in done]


def _seed(seed: int, name: str, user: str, number: int) -> int:
    digest = hashlib.sha256(f"{seed}\0{name}\0{user}\0{number}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") >> 1
