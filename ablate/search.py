"""The only module that imports optuna: a study's plan in a storage, claimed trial by trial.

The storage is a SQLite file beside the results. Each trial of the plan is queued as an Optuna
trial that carries its key; a worker claims one, and stores what it gave in the same transaction
log. Attempts of one key may be several (a killed worker leaves one behind); its result is one.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, event
from sqlalchemy.exc import DatabaseError

from ablate.record import Outcome
from ablate.spec import InputError, TrialSpec, to_json, trial_from_json
from ablate.study import Planned

BUSY_TIMEOUT_S = 60


@dataclass(frozen=True)
class Claim:
    """A trial that this worker, and no other, is to run."""

    trial_id: int
    cell: str
    spec: TrialSpec


class Queue:
    """A study's trials in a storage file.

    Args:
        path: the SQLite file; made where there is none.
        name: of the study.

    Raises:
        InputError: the file is not a storage of ours.
    """

    def __init__(self, path: Path, name: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage = _open(path)
        self._study = optuna.create_study(
            storage=self._storage, study_name=name, direction="maximize", load_if_exists=True
        )
        self._id = self._storage.get_study_id_from_name(name)

    def submit(self, plan: Iterable[Planned]) -> int:
        """Queue what the plan still lacks and return how many trials are to be run.

        Call it only when no worker is running. A failed trial is tried again; a complete or
        diverged one is not. Queued trials that are not in the plan are taken off.
        """
        self.recover()
        wanted = {planned.spec.key: planned for planned in plan}
        done, waiting = set(), set()
        for trial in self._trials():
            key = trial.user_attrs.get("key")
            if trial.state == TrialState.WAITING and key in wanted:
                waiting.add(key)
            elif trial.state == TrialState.WAITING:
                self._end(trial._trial_id, None)
            elif _settled(trial):
                done.add(key)
        missing = [key for key in wanted if key not in done]
        for key in missing:
            if key not in waiting:
                self._enqueue(wanted[key].spec, wanted[key].cell.name)
        return len(missing)

    def recover(self) -> int:
        """Queue again each trial whose worker died while it ran, and return how many.

        Call it only when no worker is running. One whose outcome was stored already is finished
        instead.
        """
        return sum(self.requeue(_claim(trial)) for trial in self._trials(TrialState.RUNNING))

    def claim(self) -> Claim | None:
        """The next queued trial, now this caller's, or None where the queue is empty."""
        for trial in self._trials(TrialState.WAITING):
            # Another worker may have claimed it, and even finished it, since the list was read.
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
                if self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                    return _claim(trial)
        return None

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Store what a claimed trial gave, then mark it finished, in that order.

        Does nothing for a trial that was ended already: an outcome is never replaced.
        """
        if self._storage.get_trial(claim.trial_id).state.is_finished():
            return
        for epoch in outcome.epochs:
            self._storage.set_trial_intermediate_value(
                claim.trial_id, epoch["epoch"], epoch["val_accuracy"]
            )
        text = json.dumps(asdict(outcome))
        self._storage.set_trial_user_attr(claim.trial_id, "outcome", text)
        self._end(claim.trial_id, text)

    def requeue(self, claim: Claim) -> bool:
        """Queue a trial again whose worker died, unless its outcome was stored; say whether."""
        trial = self._storage.get_trial(claim.trial_id)
        if trial.state.is_finished():
            return False
        outcome = trial.user_attrs.get("outcome")
        self._end(claim.trial_id, outcome)
        if outcome is None:
            self._enqueue(claim.spec, claim.cell)
        return outcome is None

    def outcomes(self) -> dict[str, dict[str, Any]]:
        """Row and epochs of each key that has ended: its settled attempt, else the last failed."""
        found: dict[str, tuple[bool, dict[str, Any]]] = {}
        for trial in self._trials(TrialState.COMPLETE, TrialState.FAIL):
            key = trial.user_attrs.get("key")
            if key is None or "outcome" not in trial.user_attrs:
                continue
            if key not in found or not found[key][0]:
                found[key] = (_settled(trial), json.loads(trial.user_attrs["outcome"]))
        return {key: outcome for key, (_, outcome) in found.items()}

    def remember(self, name: str, value: Any) -> None:
        """Keep a measurement that belongs to the study and not to a trial."""
        self._study.set_user_attr(name, value)

    def recall(self, name: str) -> Any:
        """A measurement kept by `remember`, or None."""
        return self._study.user_attrs.get(name)

    def close(self) -> None:
        """Let go of the file."""
        self._storage.engine.dispose()

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self._storage.get_all_trials(self._id, deepcopy=False, states=states or None)

    def _enqueue(self, spec: TrialSpec, cell: str) -> None:
        attributes = {"key": spec.key, "cell": cell, "seed": spec.seed, "spec": to_json(spec)}
        self._study.enqueue_trial({}, user_attrs=attributes)

    def _end(self, trial_id: int, outcome: str | None) -> None:
        row = json.loads(outcome)["row"] if outcome else {}
        if row.get("state") == "complete":
            value = [row["val_accuracy"]]
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, value)
        else:
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)


def _claim(trial: FrozenTrial) -> Claim:
    spec = trial_from_json(trial.user_attrs["spec"])
    return Claim(trial._trial_id, trial.user_attrs["cell"], spec)


def _settled(trial: FrozenTrial) -> bool:
    """Whether a trial's outcome stands, so that its key is not run again."""
    outcome = trial.user_attrs.get("outcome")
    return outcome is not None and json.loads(outcome)["row"]["state"] in ("complete", "diverged")


def _open(path: Path) -> RDBStorage:
    """A SQLite storage in which two workers cannot claim one trial.

    Every transaction begins by taking the write lock (`BEGIN IMMEDIATE`), so that a worker's
    "is it still waiting? then it is mine" cannot interleave with another's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connect = {"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    try:
        storage = RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": connect})
        with storage.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    except DatabaseError as error:
        raise InputError(
            f"{path}: not a study storage, or damaged ({error.orig}); move it away to start afresh"
        ) from error

    @event.listens_for(storage.engine, "begin")
    def begin_immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return storage
