"""Runs kept as `.benchmarks/loops-NNNN.json`, for the next one to be compared with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.record import replacing

FOLDER = Path(__file__).resolve().parents[1] / ".benchmarks"


def save(path: Path, run: Mapping[str, Any]) -> None:
    """Write a run, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(run, indent=1) + "\n")


def last_path(folder: Path = FOLDER) -> Path | None:
    """The run with the highest number, None where there is none."""
    return max(folder.glob("loops-*.json"), key=_number, default=None)


def next_path(folder: Path = FOLDER) -> Path:
    """The number after the highest."""
    last = last_path(folder)
    return folder / f"loops-{_number(last) + 1 if last else 1:04d}.json"


def comparable(run: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    """Why ratios of the two cannot be set side by side; empty where they can."""
    if run["machine"]["device"] != last["machine"]["device"]:
        return f"it ran on {last['machine']['device']}"
    here, there = ({**a_run["settings"], "rounds": None} for a_run in (run, last))
    other = [f"{name} = {there.get(name)}" for name in here if here[name] != there.get(name)]
    return f"it had {', '.join(other)}" if other else ""


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("loops-"))
