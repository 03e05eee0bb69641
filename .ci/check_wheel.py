"""Import every module of the installed limner; run by `.ci/run` in an environment without the extras.

A module may fail only where an extra is missing, and then its ImportError must name the extra to install. Excepted are the
modules that inspect_ai itself loads, or that are imported only after it was found to be there.
"""

import importlib
import pkgutil
import re
import sys
from importlib.metadata import metadata
from pathlib import Path

import limner

NOT_IMPORTED = {"limner.memory.migrations.env"}
"""What Alembic executes in a context of its own."""

BEHIND_INSPECT = {f"limner.evals.{name}" for name in ("estimating", "inspecting", "provider", "task")}
"""What may fail for want of inspect_ai, and of nothing else: `limner eval` looks for it first and names the extra `evals`."""

EXTRAS = set(metadata("limner").get_all("Provides-Extra") or ())


def problem_with(name: str) -> str | None:
    """Import one module; return what is wrong, or None."""
    try:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            getattr(module, public)  # lazy packages import on access
    except ImportError as error:
        if name in BEHIND_INSPECT and error.name == "inspect_ai":
            print(f"  {name}: is reached only where inspect_ai is installed")
            return None
        named = re.search(r"limner\[([\w-]+)\]", str(error))
        if named and named[1] in EXTRAS:
            print(f"  {name}: wants the extra {named[1]}, and says so")
            return None
        return f"{name}: {error!r} names no extra of limner ({', '.join(sorted(EXTRAS))})"
    return None


def main() -> int:
    """Walk the packages; return the exit status."""
    where = Path(limner.__file__).resolve()
    if "site-packages" not in where.parts:
        print(f"limner was imported from {where}, not from the installed wheel")
        return 1
    found = pkgutil.walk_packages(limner.__path__, "limner.", onerror=lambda name: None)
    names = ["limner", *(module.name for module in found if module.name not in NOT_IMPORTED)]
    problems = [problem for name in names if (problem := problem_with(name))]
    print(
        f"{len(names)} modules of limner {limner.__version__} imported from {where.parent}, {len(problems)} problems"
    )
    for problem in problems:
        print(f"  {problem}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
