"""What a trial gives when it has ended, however it ends."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What a trial gave.

    Args:
        row: columns of the results table.
        epochs: one dict an epoch, the fields of `loop.Epoch`.
        stages: `MECHANISM_COLUMNS` of the stem and each stage, where they were measured.
        correct: which test images were classified correctly, as `bits.pack` has it, where the
            test split was evaluated.
    """

    row: dict[str, Any]
    epochs: list[dict[str, Any]]
    stages: list[dict[str, Any]] = field(default_factory=list)
    correct: str | None = None
