"""Everything limner raises on purpose.

Three families, because they ask for different reactions: `InputError` is the caller's to mend,
`ModelError` and `StoreError` belong to the world outside (retry, free some space, start the server), and
`ConfigurationError` is the operator's. Each class carries the exit code with which the command line ends.
"""

__all__ = [
    "ConfigurationError",
    "ContextOverflow",
    "DownloadError",
    "IndexUnavailable",
    "InputError",
    "InvalidFilter",
    "InvalidObservation",
    "LimnerError",
    "LimnerWarning",
    "MalformedOutput",
    "ModelBusy",
    "ModelDown",
    "ModelError",
    "ModelTooSlow",
    "ModelUnavailable",
    "NotFound",
    "RecordingRefused",
    "StaleClaim",
    "StoreError",
    "StoreFull",
]


class LimnerError(Exception):
    """Base of every error that limner raises on purpose."""

    exit_code = 1


class LimnerWarning(UserWarning):
    """Something went on, but not as asked; the tests turn it into an error."""


class InputError(LimnerError, ValueError):
    """What the caller handed in cannot be used; nothing was stored."""

    exit_code = 2


class InvalidObservation(InputError):
    """An observation that cannot be stored: empty, too long, not text, or from the future."""


class RecordingRefused(InputError):
    """Recording is paused, or consent to it was withdrawn; nothing was stored.

    Args:
        message: Which, and since when.
        source: The source that is refused; none where everything of the user is.
    """

    def __init__(self, message: str, source: str | None = None) -> None:
        super().__init__(message)
        self.source = source


class InvalidFilter(InputError):
    """A condition names an attribute or a value that the catalogue does not have.

    Args:
        message: What is wrong, in words.
        nearest: The closest names that do exist, best first.
    """

    def __init__(self, message: str, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.nearest = nearest


class NotFound(InputError, LookupError):
    """An id or a name that this user, catalogue or folder does not have."""

    exit_code = 3


class ConfigurationError(LimnerError):
    """The settings contradict each other, or something they name is not there."""

    exit_code = 4


class DownloadError(LimnerError):
    """A model or data file could not be fetched whole, or is not the file it should be."""

    exit_code = 5


class ModelError(LimnerError):
    """A language model or an encoder did not do what was asked of it."""

    exit_code = 6


class ModelUnavailable(ModelError):
    """The endpoint is down, refuses, or took longer than the time-out.

    Args:
        message: What is wrong.
        again: Whether the same call may come through a moment later.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


class ModelBusy(ModelUnavailable):
    """The endpoint has too much to do (HTTP 429 or 503), or is about to start.

    Args:
        message: What it says.
        retry_after_s: How many seconds it asks to be left alone; none where it does not say.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, again=True)
        self.retry_after_s = retry_after_s


class ModelDown(ModelUnavailable):
    """Nobody answers at the address, or the connection broke."""

    def __init__(self, message: str) -> None:
        super().__init__(message, again=True)


class ModelTooSlow(ModelUnavailable):
    """No answer within the time-out."""


class ContextOverflow(ModelError):
    """A prompt is longer than the model's context; nothing was cut and nothing was sent.

    Args:
        prompt_tokens: Length of the prompt, in tokens.
        context_length: What the model holds, in tokens.
        reserved: Tokens kept free for the answer.
    """

    def __init__(self, prompt_tokens: int, context_length: int, reserved: int = 0) -> None:
        self.prompt_tokens = prompt_tokens
        self.context_length = context_length
        self.reserved = reserved
        self.excess = prompt_tokens + reserved - context_length
        super().__init__(
            f"The prompt has {prompt_tokens} tokens and {reserved} are reserved for the answer; the model's context "
            f"holds {context_length}, so it is {self.excess} too long. Shorten the input, or serve the model with a "
            f"longer context and set LIMNER_CONTEXT_LENGTH to it."
        )


class MalformedOutput(ModelError):
    """The model's answer does not have the form asked for, after every retry.

    Args:
        message: What is wrong with the last answer.
        raw: The last answer, as it came.
    """

    def __init__(self, message: str, raw: str) -> None:
        super().__init__(message)
        self.raw = raw


class StoreError(LimnerError):
    """The database or the vector index failed; the transaction was rolled back."""

    exit_code = 7


class StoreFull(StoreError):
    """No space left on the device; nothing of this write was kept."""


class IndexUnavailable(StoreError):
    """Chroma failed, or its server does not answer; SQL still has everything."""


class StaleClaim(StoreError):
    """A batch was claimed by somebody else meanwhile, or changed under the claim; nothing was applied."""
