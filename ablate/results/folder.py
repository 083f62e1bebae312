"""What lies in a run's folder, for whoever checks it: table, manifest and storage, only read."""

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ablate.errors import InputError
from ablate.results.manifest import looks_of, read_manifest
from ablate.results.names import MANIFEST, STORAGE, SUMMARY
from ablate.results.stopping import Fate, Looks
from ablate.spec.trial import TrialSpec
from ablate.study.trial_json import trial_from_json

ATTEMPTS = """
    SELECT trials.trial_id, trials.state, keys.value_json, outcomes.value_json, explores.value_json
    FROM trials
    JOIN studies ON studies.study_id = trials.study_id
        AND studies.study_name NOT LIKE '%/explore'  -- a search's, confirmed in the table's study
    JOIN trial_user_attributes keys ON keys.trial_id = trials.trial_id AND keys.key = 'key'
    LEFT JOIN trial_user_attributes outcomes
        ON outcomes.trial_id = trials.trial_id AND outcomes.key = 'outcome'
    LEFT JOIN trial_user_attributes explores
        ON explores.trial_id = trials.trial_id AND explores.key = 'explore'
    ORDER BY trials.trial_id
"""


class Attempt(NamedTuple):
    """An attempt at a trial, as the storage has it.

    Args:
        key: of the trial.
        state: of Optuna's trial: WAITING, RUNNING, COMPLETE, FAIL or PRUNED.
        row: what it gave: the measured columns of its row; None where it gave nothing.
        explore: whether it is none of the table's, as one that tunes a learning rate.
    """

    key: str
    state: str
    row: dict[str, Any] | None
    explore: bool


@dataclass(frozen=True)
class Run:
    """A run.

    Args:
        folder: of the run.
        trials: its table, which follows the schema.
    """

    folder: Path
    trials: pd.DataFrame

    @cached_property
    def specs(self) -> dict[str, TrialSpec]:
        """The trials' descriptions by key; those that cannot be read are left out."""
        found = {}
        for key, text in zip(self.trials["key"], self.trials["spec"], strict=True):
            with contextlib.suppress(InputError):
                found[key] = trial_from_json(text)
        return found

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """As `manifest.read_manifest` gives it."""
        return read_manifest(self.folder / MANIFEST)

    @cached_property
    def planned(self) -> list[tuple[str, str, int]]:
        """Key, cell and seed of every trial of the manifest; empty where there is none.

        Raises:
            InputError: the manifest is not one of ours, though it has the right hash.
        """
        try:
            trials = self.manifest["trials"] if self.manifest else []
            return [(trial["key"], trial["cell"], trial["seed"]) for trial in trials]
        except (KeyError, TypeError) as error:
            raise InputError(f"{self.folder / MANIFEST}: lists no trials") from error

    @cached_property
    def looks(self) -> Looks | None:
        """The looks that the manifest lists; None where all that was planned is trained.

        Raises:
            InputError: what it lists are no looks.
        """
        return looks_of(self.manifest, self.folder / MANIFEST) if self.manifest else None

    def fate(self, cell: str, seed: int) -> Fate:
        """What looks say of a planned trial."""
        return Fate.TRAINED if self.looks is None else self.looks.fate(cell, seed)

    @cached_property
    def attempts(self) -> list[Attempt] | None:
        """All attempts in the storage beside the table, oldest first; None where it is elsewhere.

        Raises:
            InputError: it is no storage of ours.
        """
        path = self.folder / STORAGE
        if not path.exists():
            return None
        # A file that nobody has open is read as it is: SQLite would write beside it to lock it.
        alone = not path.with_name(f"{STORAGE}-wal").exists()
        uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                rows = connection.execute(ATTEMPTS).fetchall()
            return [
                Attempt(json.loads(key), state, _row(text) if text else None, explore == "true")
                for _, state, key, text, explore in rows
            ]
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path}: not a study storage, or damaged: {error}") from error

    @cached_property
    def ended(self) -> dict[str, list[dict[str, Any]]]:
        """What each key's ended attempts gave, oldest first, by the storage beside the table.

        An attempt that was lost is FAIL. Only versions that had no PRUNED kept an outcome in it.
        """
        ended: dict[str, list[dict[str, Any]]] = {}
        lost: dict[str, list[dict[str, Any]]] = {}
        for attempt in self.attempts or []:
            if attempt.row is not None and attempt.state in ("COMPLETE", "PRUNED"):
                ended.setdefault(attempt.key, []).append(attempt.row)
            elif attempt.row is not None and attempt.state == "FAIL":
                lost.setdefault(attempt.key, []).append(attempt.row)
        return lost | ended

    @cached_property
    def unfinished(self) -> frozenset[str]:
        """Keys of the plan that have not ended yet, and may be needed.

        As the storage says; where it is elsewhere, all that lack a row until there are findings.
        """
        if self.attempts is not None:
            alive = {item.key for item in self.attempts if item.state in ("WAITING", "RUNNING")}
            return frozenset(alive - set(self.ended))
        if (self.folder / SUMMARY).exists():
            return frozenset()
        needed = {
            key for key, cell, seed in self.planned if self.fate(cell, seed) is not Fate.NOT_NEEDED
        }
        return frozenset(needed - set(self.trials["key"]))


def _row(text: str) -> dict[str, Any]:
    row = json.loads(json.loads(text))["row"]
    if not isinstance(row, dict):
        raise TypeError("an outcome without a row")
    return row
