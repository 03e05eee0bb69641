"""The files that a calibration leaves: maps for `settings.confidence`, and its figures as JSON."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from limner.errors import InputError
from limner.evals.calibration.measuring import Calibration
from limner.profiles.propositions.recalibration import ConfidenceMaps, read_maps

__all__ = ["add_maps", "as_json_value"]


def add_maps(maps: ConfidenceMaps, path: Path) -> ConfidenceMaps:
    """Write maps to a file, in the place of those of the same kinds that it holds; others stay.

    Raises:
        ConfigurationError: The file is there and holds something else; it is left as it is.
        InputError: It cannot be written.
    """
    before = read_maps(path) if path.exists() else ConfidenceMaps()
    together = ConfidenceMaps(kinds={**before.kinds, **maps.kinds})
    text = together.model_dump_json(indent=2, exclude_defaults=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(f"{text}\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"The maps cannot be written to {path}: {error.strerror or error}.") from error
    return together


def as_json_value(found: Calibration) -> dict[str, Any]:
    """Return all figures; what is not known is null."""
    value: dict[str, Any] = _without_nan({
        "source": found.source,
        "seed": found.seed,
        "halves": found.halved,
        "fitted_on": found.fitted_on,
        "tested_on": found.tested_on,
        "model": found.model,
        "groups": [asdict(group) for group in found.groups],
        "forms": {
            kind: {"chosen": choice.form, "losses": choice.losses} for kind, choice in found.choices.items()
        },
        "maps": found.maps.model_dump(mode="json", exclude_defaults=True),
        "coverage": asdict(found.coverage),
        "safe": None if found.safe is None else asdict(found.safe),
        "data": dict(found.data),
        "counted": dict(found.counted),
    })
    return value


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return value
