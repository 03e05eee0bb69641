"""vLLM as a child process: started, waited for, and ended with everything that it started."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx2

from limner.errors import ConfigurationError, InputError, ModelUnavailable
from limner.inference.manifest import LANGUAGE_MODELS
from limner.inference.serving.command import Command, command_for, environment_of
from limner.inference.serving.conversion import converted, converted_folder
from limner.inference.serving.interpreter import installed_vllm
from limner.inference.serving.options import ServeOptions
from limner.inference.serving.reading import advice_for, phase_of, telling_lines
from limner.settings import Settings

__all__ = ["Starting", "VLLMServer"]

_KEEPER = Path(__file__).with_name("keeper.py")
_TAIL = 400
_LONGEST_LINE = 4000
_POLL_S = 0.1
_GRACE_S = 15.0
_ANSWER_S = 5.0
_ENDED_S = 10.0


@dataclass(frozen=True, slots=True)
class Starting:
    """How far a start has got."""

    elapsed_s: float
    phase: str
    """What vLLM's log says it is at, in words."""


class VLLMServer:
    """One vLLM server; a context manager that starts it and stops it.

    However this process ends, killed too, the server ends with it (`limner.inference.serving.keeper`).

    Args:
        options: What to serve, and how.
        log: Called with every line that vLLM writes, on a thread of its own; lines never hold the API key.
        progress: Called a few times a second while it starts.
        cache: limner's cache, where a packaged model is converted to; none takes that of the settings.

    Raises:
        ConfigurationError: The interpreter has no vLLM, or this is Windows.
        InputError: The options contradict what they name.
    """

    def __init__(
        self,
        options: ServeOptions,
        log: Callable[[str], None] | None = None,
        *,
        progress: Callable[[Starting], None] | None = None,
        cache: Path | None = None,
    ) -> None:
        self.options = options
        self._log = log
        self._progress = progress
        self._cache = Settings().cache if cache is None else cache
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._phase = "starting Python"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._pid: int | None = None
        self._context_length: int | None = None
        self.command = self._plan()
        """What is run."""

    def _plan(self) -> Command:
        if os.name == "nt":
            raise ConfigurationError(
                "limner serve takes Linux: vLLM does not run on Windows, and its processes could not be ended for sure. Use WSL."
            )
        model, folder = located(self.options.model, self._cache)
        installed = installed_vllm(self.options.python, environment_of({"PYTHONSAFEPATH": "1"}))
        port = self.options.port or _free_port(self.options.host)
        return command_for(self.options, model, port, installed, folder)

    @property
    def base_url(self) -> str:
        """URL of the API as this machine reaches it; ends in `/v1`."""
        return f"{self._root}/v1"

    @property
    def _root(self) -> str:
        host = self.options.host.strip("[]")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{self.command.port}" if ":" in host else f"http://{host}:{self.command.port}"

    @property
    def api_key(self) -> str | None:
        """What clients have to send as bearer token; none where no key is asked for."""
        return self.command.api_key

    @property
    def model(self) -> str:
        """Name that requests call the model by."""
        return self.command.served_name

    @property
    def settings(self) -> Mapping[str, str]:
        """The `LIMNER_` variables with which limner uses this server, the API key among them."""
        found = {"LIMNER_BASE_URL": self.base_url, "LIMNER_MODEL": self.model}
        if self.api_key is not None:
            found["LIMNER_API_KEY"] = self.api_key
        if self._context_length is not None:
            found["LIMNER_CONTEXT_LENGTH"] = str(self._context_length)
        return found

    @property
    def pid(self) -> int | None:
        """Process id of vLLM itself; none before it is started."""
        return self._pid

    @property
    def log_tail(self) -> list[str]:
        """The last lines that vLLM has written."""
        return list(self._tail)

    @property
    def running(self) -> bool:
        """Whether the process is there; not whether it answers."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> Self:
        """Start vLLM and wait until it answers; on any failure nothing is left running.

        Raises:
            InputError: The port is taken, or it runs already.
            ModelUnavailable: It ended, or did not answer in time; the message ends with what to do.
        """
        if self.running:
            raise InputError(f"It runs already, at {self.base_url}.")
        _refuse_taken(self.options.host, self.command.port)
        self._convert()
        try:
            self._launch()
            self._await_answer()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, grace_s: float = _GRACE_S) -> None:
        """End the server: ask it to, and kill what is left after a while; stopping twice does nothing.

        Args:
            grace_s: Longest wait for it to end by itself, in seconds; at most the 15 that it is given anyway.
        """
        if self._keeper is None:
            return
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(min(grace_s, _GRACE_S))
        except subprocess.TimeoutExpired:
            # Twice: whoever asks again wants no more grace.
            for _ in range(2):
                self._keeper.terminate()
                time.sleep(0.1)
        except KeyboardInterrupt:
            self._keeper.terminate()
            self._keeper.terminate()
            self._keeper.wait(_ENDED_S)
            raise
        self._keeper.wait(_ENDED_S)
        self._join_reader()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end of the server; return its exit code, 128 and the number of the signal that ended it.

        Args:
            timeout_s: Longest wait, in seconds; none waits for ever. After it, none is returned.
        """
        if self._keeper is None:
            return None
        try:
            code = self._keeper.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._join_reader()
        return code

    @property
    def how_it_ended(self) -> str:
        """The exit code or signal, in words."""
        code = self.wait(0)
        if code is None:
            return "not yet"
        return f"signal {code - 128}" if code > 128 else f"exit code {code}"

    def why_it_ended(self) -> str:
        """Return what the end of the log tells, and what to do, in one line."""
        lines = self.log_tail
        said = " | ".join(telling_lines(lines)) or "nothing"
        advice = advice_for(lines)
        return f"It said: {said}" + (f" {advice}" if advice else " Its log has more.")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _convert(self) -> None:
        """Make a packaged model into a folder, once; it takes a while, and a file is not needed to plan."""
        if self.options.model in LANGUAGE_MODELS:
            converted(self.options.model, self._cache, telling=self._log)

    def _launch(self) -> None:
        self._tail.clear()
        reading, writing = os.pipe()
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), "--parent", str(os.getpid())]
        keeper += ["--status", str(writing), "--grace", str(_GRACE_S), "--", *self.command.arguments]
        try:
            self._keeper = subprocess.Popen(
                keeper,
                env=environment_of(self.command.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        assert self._keeper.stdout is not None
        self._reader = threading.Thread(
            target=self._read, args=(self._keeper.stdout,), name="limner-vllm-log", daemon=True
        )
        self._reader.start()
        with os.fdopen(reading) as status:
            told = status.readline().strip()
        self._pid = int(told) if told else None

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            try:
                for raw in stream:
                    line = self._noted(raw)
                    if self._log is not None:
                        self._log(line)
            finally:
                # Should whoever listens fail, the server must not come to wait for a reader.
                for raw in stream:
                    self._noted(raw)

    def _noted(self, raw: bytes) -> str:
        # Progress bars overwrite their line; what stands last in it is the news.
        text = raw.decode("utf-8", errors="replace").rstrip("\r\n").rpartition("\r")[2]
        line = self._without_key(text)[:_LONGEST_LINE]
        self._tail.append(line)
        self._phase = phase_of(line) or self._phase
        return line

    def _without_key(self, text: str) -> str:
        return text.replace(self.api_key, "***") if self.api_key else text

    def _join_reader(self) -> None:
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(_ENDED_S)

    def _await_answer(self) -> None:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        began = time.monotonic()
        # A proxy of the environment is for the outside.
        with httpx2.Client(headers=headers, timeout=_ANSWER_S, trust_env=False) as client:
            while True:
                elapsed = time.monotonic() - began
                if self._progress is not None:
                    self._progress(Starting(elapsed, self._phase))
                if self._answers(client):
                    return
                if self.wait(_POLL_S) is not None:
                    raise ModelUnavailable(
                        f"vLLM ended with {self.how_it_ended} before it answered. {self.why_it_ended()}"
                    )
                if elapsed > self.options.ready_within_s:
                    raise ModelUnavailable(
                        f"vLLM did not answer within {self.options.ready_within_s:.0f} s; it was at: {self._phase}. "
                        f"{self.why_it_ended()} A first start fetches the model: give it longer with --ready-within."
                    )

    def _answers(self, client: httpx2.Client) -> bool:
        try:
            if not client.get(f"{self._root}/health").is_success:
                return False
            models = client.get(f"{self.base_url}/models")
            served = models.json()["data"] if models.is_success else []
            lengths = {entry["id"]: entry.get("max_model_len") for entry in served}
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return False
        if self.model not in lengths:
            return False
        length = lengths[self.model]
        self._context_length = length if isinstance(length, int) else None
        return True


def located(model: str, cache: Path) -> tuple[str, Path | None]:
    """Return what vLLM is to load, and the folder where it is on this machine, or will be once it is converted.

    Raises:
        InputError: It is neither a packaged model, nor a folder with a `config.json`, nor `owner/name`.
    """
    path = Path(model).expanduser()
    if model in LANGUAGE_MODELS:
        folder = converted_folder(model, cache)
        return str(folder), folder
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(f"{path} has no config.json, so it is no Hugging Face model folder.")
        return str(path.absolute()), path.absolute()
    if path.suffix == ".gguf":
        raise InputError(
            f"{model} is a GGUF file, for the embedded engine. vLLM takes a Hugging Face folder or `owner/name` on the hub; "
            f"packaged models are converted by their name ({', '.join(LANGUAGE_MODELS)})."
        )
    if re.fullmatch(r"[\w.-]+/[\w.-]+", model) and not model.startswith("."):
        return model, None
    raise InputError(
        f"{model}: there is no such folder, and it is neither a packaged model ({', '.join(LANGUAGE_MODELS)}) nor "
        f"`owner/name` on the Hugging Face hub."
    )


def _addresses(host: str, port: int) -> list[tuple[int, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise InputError(f"The host {host} cannot be listened on: {error.strerror}.") from error
    return [(family, address) for family, _, _, _, address in found]


def _free_port(host: str) -> int:
    family, address = _addresses(host, 0)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(address)
        except OSError as error:
            raise InputError(f"This machine has no address {host}: {error.strerror}.") from error
        return int(probe.getsockname()[1])


def _refuse_taken(host: str, port: int) -> None:
    for family, address in _addresses(host, port):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: what an earlier one left behind is no obstacle, a listener is.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                raise InputError(
                    f"Port {port} on {host} cannot be had ({error.strerror}): end what listens there, or take another port "
                    f"(0 picks a free one)."
                ) from error
