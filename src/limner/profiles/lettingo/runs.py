"""The folder of a run: what it was made of, and files that grow by whole lines, so that a killed run goes on."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from limner.errors import InputError, NotFound, StoreError
from limner.memory.records import Record
from limner.profiles.lettingo.split import Case

__all__ = ["Judgement", "RunFolder", "WrittenProfile"]

R = TypeVar("R", bound=Record)


class WrittenProfile(Record):
    """One try at a profile; it failed where `text` is none, and then `error` says why."""

    user: str
    part: str
    generator: str
    number: int
    """From 0, among those of this user and generator."""
    seed: int
    history: str
    """Hash of the history that it was written from."""
    text: str | None = None
    truncated: bool = False
    """Whether the model was cut off; the sentence it was at is left out."""
    error: str | None = None

    @property
    def id(self) -> str:
        """Names it within the run."""
        return f"{self.generator}/{self.user}/{self.number}"


class Judgement(Record):
    """What one judge said of the targets of one user, given one view of them."""

    judge: str
    user: str
    view: str
    profile: str = ""
    """Id of the profile, in the view of this name; else empty."""
    log_odds: tuple[float, ...] | None = None
    """That each target was liked, as the judge gives them; none where it failed."""
    error: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is a judgement of."""
        return (self.judge, self.user, self.view, self.profile)


class RunFolder:
    """A folder with a manifest and files of JSON Lines; one process at a time does a stage in it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run was made of.

        Raises:
            NotFound: There is no run in the folder.
            StoreError: The manifest cannot be read.
        """
        try:
            found: dict[str, Any] = json.loads((self.path / "manifest.json").read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(
                f"There is no run in {self.path}: begin one with `limner lettingo explore`."
            ) from None
        except ValueError as error:
            raise StoreError(f"{self.path / 'manifest.json'} cannot be read: {error}.") from error
        return found

    @contextmanager
    def held(self, stage: str) -> Iterator[None]:
        """Keep other processes from doing the same stage.

        Raises:
            StoreError: One does already.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / f".{stage}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"Another process does `{stage}` in {self.path}; wait for it, or take another folder."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def begin(self, identity: Mapping[str, Any], cases: Iterable[Case], **notes: Mapping[str, Any]) -> None:
        """Begin a run, or go on with the one that is there.

        Args:
            identity: What must be the same for a run to go on: data and split.
            cases: The users.
            notes: Parts of the manifest that grow, such as `generators`: by name, what each is made of.

        Raises:
            InputError: The folder holds a run on something else, or knows a name of `notes` as something else.
        """
        try:
            there = self.manifest
        except NotFound:
            there = {"identity": dict(identity)}
            self.write_all("cases.jsonl", cases)
        if there["identity"] != dict(identity):
            different = sorted(k for k in identity if there["identity"].get(k) != identity[k])
            raise InputError(
                f"{self.path} holds a run with another {' and '.join(different) or 'identity'}; take a new folder."
            )
        for part, entries in notes.items():
            kept = there.setdefault(part, {})
            for name, entry in entries.items():
                if kept.setdefault(name, entry) != entry:
                    changed = sorted(k for k in entry if kept[name].get(k) != entry[k])
                    raise InputError(
                        f"{self.path} has {part} {name!r} with another {', '.join(changed)}; give the new one a name of "
                        f"its own."
                    )
        self.write_json("manifest.json", there)

    def cases(self) -> list[Case]:
        """Return the users of the run."""
        _ = self.manifest
        return self.read("cases.jsonl", Case)

    def read(self, name: str, kind: type[R]) -> list[R]:
        """Return the rows of a file; one that is not there has none.

        A last line without its end is what a killed process left of it, and is passed over.

        Raises:
            StoreError: A line is not what it should be.
        """
        try:
            lines = (self.path / name).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        rows = TypeAdapter(kind)
        found = []
        for number, line in enumerate(lines[:-1], start=1):
            try:
                found.append(rows.validate_json(line))
            except ValidationError as error:
                raise StoreError(f"{self.path / name}, line {number} cannot be read: {error}") from error
        return found

    def append(self, name: str, rows: Iterable[Record]) -> None:
        """Add rows to a file, all in one write; they are on the disk when this returns.

        The rest of a line that a killed process left is cut off first.
        """
        path = self.path / name
        text = "".join(row.model_dump_json() + "\n" for row in rows).encode("utf-8")
        with path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(0)
                whole = file.read().rfind(b"\n") + 1
                if whole != end:
                    file.truncate(whole)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def write_all(self, name: str, rows: Iterable[Record]) -> None:
        """Write a file of rows whole, in the place of what was there."""
        self._replace(name, "".join(row.model_dump_json() + "\n" for row in rows))

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file whole, in the place of what was there."""
        self._replace(name, json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def _replace(self, name: str, text: str) -> None:
        partial = self.path / f"{name}.partial"
        partial.write_text(text, "utf-8")
        partial.replace(self.path / name)
