"""Attempts at a trial, as the storage keeps them: which one stands, and how it ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from ablate.results.schema import RETRIED
from ablate.spec import TrialSpec
from ablate.study.trial_json import trial_from_json

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)  # with an outcome


@dataclass(frozen=True)
class Assignment:
    """A trial that this worker, and no other, is to run.

    Args:
        trial_id, number: of the attempt.
        cell: for the progress display.
        spec: the trial.
        explore: whether it is told after each epoch if it is to go on, and keeps off the test
            split.
        kills: processes that have died of it.
    """

    trial_id: int
    number: int
    cell: str
    spec: TrialSpec
    explore: bool = False
    kills: int = 0


def assignment_of(trial: FrozenTrial) -> Assignment:
    """What an attempt asks for."""
    known = trial.user_attrs
    return Assignment(
        trial._trial_id,
        trial.number,
        known["cell"],
        trial_from_json(known["spec"]),
        known["explore"],
        known["kills"],
    )


def standing(attempts: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The attempt that a key's fate hangs on: the newest that was not lost, or None."""
    kept = [trial for trial in attempts if trial.state != TrialState.FAIL]
    return kept[-1] if kept else None


def ended(attempts: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """That attempt, where it has ended with an outcome, or None."""
    last = standing(attempts)
    return last if last is not None and last.state in ENDED else None


def row_of(trial: FrozenTrial) -> dict[str, Any]:
    """What an attempt that has ended gave: columns of the results table."""
    row: dict[str, Any] = json.loads(trial.user_attrs["outcome"])["row"]
    return row


def may_be_retried(trial: FrozenTrial) -> bool:
    """Whether an attempt has ended in a way that another one may not."""
    return trial.state in ENDED and row_of(trial)["state"] in RETRIED
