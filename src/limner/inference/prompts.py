"""Prompts: Markdown templates that live next to the code that uses them.

A prompt file has one heading per message:

```markdown
# system
You write one note about the user.

# user
We moved to Lisbon in May.

# assistant
The user moved to Lisbon in May.

# user
{{ sentence | fenced }}
```

What differs from call to call may stand in the last `# user` message only, so that everything before it is the
same each time and is served from the prefix cache. A `# system` message may hold variables that front matter
declares as the same for every user:

```markdown
---
stable: [genres]
---
# system
Genres are {{ genres | join(", ") }}.
```
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from limner.errors import ConfigurationError, InputError

__all__ = ["Prompt", "cut_at_control_tokens", "fenced", "load_prompt", "quoted", "without_control_tokens"]

Role = Literal["system", "user", "assistant"]
_MESSAGE = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_HEADING = re.compile(r"^# (system|user|assistant)[ \t]*$", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_STABLE = re.compile(r"\Astable:[ \t]*\[([\w \t,]*)\][ \t]*\Z")

# Chat templates mark roles with tokens that a server recognises in a message's text too; a user who types one
# could close their own message and speak as the system.
_CONTROL_TOKEN = re.compile(
    r"<(?=[|｜])"  # <|im_start|> of ChatML and Llama 3, <｜User｜> of DeepSeek
    r"|<(?=/?s>|/?(?:start|end)_of_turn>|(?:bos|eos|pad|unk)>|</?SYS>>)"
    r"|\[(?=/?INST\])"
)


def without_control_tokens(text: str) -> str:
    """Break the special tokens of chat templates in a text by a space; a server would obey them there too."""
    return _CONTROL_TOKEN.sub(lambda match: match.group() + " ", text)


def cut_at_control_tokens(text: str) -> list[str]:
    """Return the pieces of a text, none of which holds a special token of a chat template; together they are the text.

    For a server that would otherwise read such a token in a text as what it marks.
    """
    cuts = [0, *(match.end() for match in _CONTROL_TOKEN.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def fenced(value: object) -> str:
    """Wrap text as data: between fences of backticks longer than any run of backticks in the text.

    The text cannot close its own fence, and special tokens of chat templates in it are broken by a space.
    """
    text = without_control_tokens(str(value))
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def quoted(value: object) -> str:
    """Wrap text as data inside a line: a JSON string, which the text cannot close."""
    return json.dumps(without_control_tokens(str(value)), ensure_ascii=False)


def _finalize(value: object) -> object:
    return without_control_tokens(value) if isinstance(value, str) else value


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(fenced=fenced, quoted=quoted)
    return environment


@dataclass(frozen=True)
class Prompt:
    """A prompt template; immutable, safe to share."""

    name: str
    """Name it was loaded by, such as `profiles/propositions/propose`."""
    hash: str
    """First 12 hexadecimal digits of the SHA-256 of the file, for provenance."""
    sections: tuple[tuple[Role, jinja2.Template], ...]
    variables: frozenset[str]
    """Names that `messages` needs."""

    def messages(self, **variables: object) -> list[BaseMessage]:
        """Fill the template in.

        Raises:
            InputError: A variable is missing, or one is given that the prompt does not have.
        """
        if variables.keys() != self.variables:
            missing = sorted(self.variables - variables.keys())
            unknown = sorted(variables.keys() - self.variables)
            raise InputError(f"Prompt {self.name}: missing variables {missing}, unknown variables {unknown}.")
        try:
            return [_MESSAGE[role](template.render(variables).strip()) for role, template in self.sections]
        except jinja2.TemplateError as error:
            raise InputError(f"Prompt {self.name} cannot be filled in: {error}") from error


def load_prompt(name: str, folder: Path | None = None) -> Prompt:
    """Load a prompt of the package, or the file of the same relative name that a user put in its place.

    Args:
        name: Package-relative name with the `prompts` folder left out: `profiles/propositions/propose` is
            `limner/profiles/propositions/prompts/propose.md`.
        folder: Folder of overriding files (`settings.prompts`): here `folder/profiles/propositions/propose.md`.

    Raises:
        ConfigurationError: There is no such prompt, or the file breaks a rule of this module.
    """
    override = folder / f"{name}.md" if folder else None
    if override is not None and override.is_file():
        return _parse(name, _read(override), str(override))
    room, _, last = name.rpartition("/")
    packaged = files("limner").joinpath(*room.split("/"), "prompts", f"{last}.md")
    if not packaged.is_file():
        raise ConfigurationError(f"There is no prompt {name!r}: {packaged} does not exist.")
    return _packaged(name)


@cache
def _packaged(name: str) -> Prompt:
    room, _, last = name.rpartition("/")
    packaged = files("limner").joinpath(*room.split("/"), "prompts", f"{last}.md")
    return _parse(name, packaged.read_bytes(), str(packaged))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"Prompt file {path} cannot be read: {error.strerror}") from error


def _parse(name: str, content: bytes, origin: str) -> Prompt:
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"Prompt file {origin} is not UTF-8: {error}") from error
    stable, text = _front_matter(text, origin)
    before, *parts = _HEADING.split(text)
    if before.strip():
        raise ConfigurationError(
            f"Prompt file {origin}: text before the first heading: {before.strip()[:40]!r}"
        )
    sections = list(zip(cast(list[Role], parts[::2]), parts[1::2], strict=True))
    if not sections or sections[-1][0] != "user":
        raise ConfigurationError(f"Prompt file {origin}: the last message must be a `# user` one.")
    environment = _environment()
    variables: set[str] = set()
    templates: list[tuple[Role, jinja2.Template]] = []
    for position, (role, source) in enumerate(sections):
        try:
            found = meta.find_undeclared_variables(environment.parse(source))
            templates.append((role, environment.from_string(source)))
        except jinja2.TemplateSyntaxError as error:
            raise ConfigurationError(f"Prompt file {origin}, `# {role}` message: {error}") from error
        allowed = found if position == len(sections) - 1 else stable if role == "system" else set[str]()
        if found - allowed:
            raise ConfigurationError(
                f"Prompt file {origin}: {sorted(found - allowed)} in `# {role}` message {position + 1}. Variables belong "
                f"in the last `# user` message, or, declared as `stable`, in a `# system` one (prefix caching)."
            )
        variables |= found
    return Prompt(name, hashlib.sha256(content).hexdigest()[:12], tuple(templates), frozenset(variables))


def _front_matter(text: str, origin: str) -> tuple[set[str], str]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return set(), text
    declared = _STABLE.match(match.group(1).strip())
    if declared is None:
        raise ConfigurationError(f"Prompt file {origin}: the front matter may only hold `stable: [name, …]`.")
    return {name.strip() for name in declared.group(1).split(",") if name.strip()}, text[match.end() :]
