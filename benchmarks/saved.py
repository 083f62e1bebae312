"""Runs kept as `.benchmarks/loops-NNNN.json`, for the next one to be compared with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.files import replacing

FOLDER = Path(__file__).resolve().parents[1] / ".benchmarks"


def save(path: Path, run: Mapping[str, Any]) -> None:
    """Write a run, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(run, indent=1) + "\n")


def last_run(folder: Path = FOLDER) -> dict[str, Any] | None:
    """The run with the highest number and its file's `name`; None where there is none."""
    path = _last_path(folder)
    return {"name": path.name, **json.loads(path.read_text())} if path else None


def next_path(folder: Path = FOLDER) -> Path:
    """The number after the highest."""
    last = _last_path(folder)
    return folder / f"loops-{_number(last) + 1 if last else 1:04d}.json"


def incomparable(run: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    """Why ratios of the two must not be set side by side; empty where they may."""
    if run["machine"]["device"] != last["machine"]["device"]:
        return f"it ran on {last['machine']['device']}"
    now, then = (one["settings"] | {"rounds": None} for one in (run, last))
    other = [f"{name} = {value}" for name, value in then.items() if now[name] != value]
    return f"it ran with {', '.join(other)}" if other else ""


def _last_path(folder: Path) -> Path | None:
    return max(folder.glob("loops-[0-9]*.json"), key=_number, default=None)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("loops-"))
