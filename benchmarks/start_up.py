"""How long does it take until limner is there?

    python benchmarks/start_up.py --repeat 10

Each command runs in a process of its own, and the middle of the times is taken, less nothing: an empty Python is told beside.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from synthetic import texts

from limner.memory import Memory, NewObservation
from limner.settings import Settings
from limner.testing import HashEncoder

OPEN = "from limner import Limner; Limner.open({home!r}).close()"
OPEN_MEMORY = (
    "from limner.inference.encoder import encoder; from limner.memory import Memory; from limner.settings import Settings; "
    "s = Settings(home={home!r}); Memory(s, encoder(s)).close()"
)
GOALS = {"import limner": 0.3, "limner --help": 0.5}


def middle(command: list[str], repeat: int) -> float:
    """Return the median of the seconds that a command takes."""
    seconds = []
    for _ in range(repeat):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--sizes", default="10000,100000", help="records in the stores that are opened")
    asked = parser.parse_args()
    python = sys.executable
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "import limner": [python, "-c", "import limner"],
        "limner --help": [str(Path(python).with_name("limner")), "--help"],
    }
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, asked.sizes.split(",")):
            home = str(Path(folder) / str(size))
            with Memory(Settings(home=home), HashEncoder()) as memory:
                said = texts(size, seed=0)
                for start in range(0, size, 2000):
                    memory.user("ada").observe_many(NewObservation(t) for t in said[start : start + 2000])
            commands[f"open the memory of {size:,} records"] = [python, "-c", OPEN_MEMORY.format(home=home)]
            commands[f"Limner.open on {size:,} records"] = [python, "-c", OPEN.format(home=home)]
        print("| | s, median | goal |")
        print("| --- | --- | --- |")
        for name, command in commands.items():
            goal = f"< {GOALS[name]}" if name in GOALS else ""
            print(f"| `{name}` | {middle(command, asked.repeat):.2f} | {goal} |", flush=True)


if __name__ == "__main__":
    main()
