"""Check what the sdist and the wheel hold: every file of `src/limner` once, and nothing twice through a link."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

LINKS = ("agents", "memory", "tools", "profiles", "evals")


def tracked() -> set[str]:
    """Return the committed files of the package, relative to `src`."""
    listed = subprocess.run(
        ["git", "ls-files", "src/limner"], check=True, capture_output=True, text=True
    ).stdout
    return {line.removeprefix("src/") for line in listed.splitlines()}


def problems(dist: Path) -> list[str]:
    """Return what is missing from the archives in `dist`, and what should not be there."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        in_sdist = {member.name.split("/", 1)[-1] for member in archive.getmembers() if not member.isdir()}
    found = [f"not in the wheel: {name}" for name in sorted(tracked() - in_wheel)]
    found += [f"only in the wheel: {name}" for name in sorted(in_wheel - tracked())]
    found += [
        f"not in the sdist: {name}" for name in sorted(tracked() - {n.removeprefix("src/") for n in in_sdist})
    ]
    found += [f"twice in the sdist: {name}" for name in sorted(in_sdist) if name.split("/", 1)[0] in LINKS]
    print(f"{wheel.name}: {len(in_wheel)} files; {sdist.name}: {len(in_sdist)} files; {len(found)} problems")
    return found


if __name__ == "__main__":
    complaints = problems(Path(sys.argv[1]))
    for complaint in complaints:
        print(f"  {complaint}")
    sys.exit(bool(complaints))
