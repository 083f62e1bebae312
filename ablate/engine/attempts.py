"""Attempts at a trial, as the storage keeps them: which one stands, and how it ended."""

import json
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from ablate.engine.lease import Assignment
from ablate.results.schema import RETRIED
from ablate.study.trial_json import trial_from_json

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)  # with an outcome


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
