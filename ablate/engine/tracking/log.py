"""What is written of a trial where it is watched: its description, its curves and how it ended."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from ablate.engine.lease import Assignment
from ablate.errors import InputError
from ablate.training.outcome import Outcome

FINAL = ("val_accuracy", "test_accuracy", "val_loss", "train_loss", "train_seconds")
Epoch = Mapping[str, Any]


class Log(Protocol):
    """Somewhere that trials are written to. It may raise any error."""

    def epoch(self, assignment: Assignment, epoch: Epoch) -> None:
        """Write an epoch's metrics."""

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        """Write how a trial ended, and the epochs of it that were not written yet."""

    def close(self) -> None:
        """Let go of files."""


def described(assignment: Assignment) -> dict[str, bool | int | float | str]:
    """A trial's cell and every field of its spec, such as `net.widths`."""
    fields: dict[str, Any] = {"cell": assignment.cell, "seed": assignment.spec.seed}
    for part in ("net", "train", "data"):
        for name, value in asdict(getattr(assignment.spec, part)).items():
            plain = isinstance(value, bool | int | float | str)
            fields[f"{part}.{name}"] = value if plain else str(value)
    return fields


def metrics(epoch: Epoch) -> dict[str, float]:
    """An epoch's numbers, but for its own."""
    return {
        name: float(value)
        for name, value in epoch.items()
        if name != "epoch" and isinstance(value, int | float)
    }


def final(outcome: Outcome) -> dict[str, float]:
    """The metrics that a trial ended with, named `final/...`: the curves have the other names."""
    found = {name: outcome.row.get(name) for name in FINAL}
    return {f"final/{name}": float(value) for name, value in found.items() if value is not None}


def file_name(text: str) -> str:
    """A name for a file or folder, whatever the text."""
    return re.sub(r"[^\w.=+-]+", "_", text)[:100].lstrip(".") or "_"


def missing(option: str, what: str, extra: str) -> InputError:
    """The error of an option whose package is not there."""
    return InputError(
        f"{option} needs {what}, which is not installed: pip install 'ablate-resnet[{extra}]'"
    )
