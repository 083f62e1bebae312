"""A study's plan in a storage: claimed trial by trial, and ended once each, whoever is killed.

A trial of the plan has a key, and an Optuna trial is one *attempt* of it. An attempt waits, runs,
and ends once, and each of these steps is a compare-and-set of Optuna's:

- COMPLETE: its holder stored an outcome with an accuracy;
- PRUNED: its holder stored an outcome without one (diverged, out of memory, failed, timed out);
- FAIL: nobody's outcome. The attempt was lost with its holder, given back, or queued twice.

So a holder whose attempt was given to another can no longer end it: that is the fence. What a
crash between two steps leaves behind, `recover` finds.

Where the study has `[stop]`, trials beyond a look wait until it is made: by whoever finds that all
it needs have ended. The attempts of those that are not needed then end in FAIL.
"""

import contextlib
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from ablate.engine.attempts import ENDED, assignment_of, ended, may_be_retried, standing
from ablate.engine.kept_looks import STOP, KeptLooks
from ablate.engine.lease import LEASE_S, Assignment, Lease, lease_from_json, this_process
from ablate.engine.stop_rule import StopRule
from ablate.engine.storage import close, open_storage, patient
from ablate.results.stopping import Fate, Looks
from ablate.spec.trial import TrialSpec
from ablate.study.plan import Planned
from ablate.study.trial_json import to_json
from ablate.training.outcome import Outcome

UNHELD_S = 5.0  # an attempt that runs and names no holder is lost: its holder died in between
MISSES = 16  # claims lost to others in a row before the queue is read again


class Queue:
    """A study's trials in a storage.

    Args:
        where: the storage's URL.
        name: of the Optuna study; made where there is none.
        lease_s: seconds for which a claim holds unless it is renewed.

    Raises:
        InputError: the storage cannot be used.
    """

    def __init__(self, where: str, name: str, lease_s: float = LEASE_S) -> None:
        self.where = where
        self.lease_s = lease_s
        self.name = name
        self._owner = this_process()
        self._waiting: list[FrozenTrial] = []
        self._attempts: Mapping[str, list[FrozenTrial]] = {}
        self._unheld: dict[int, float] = {}
        self._looks = KeptLooks()
        self._storage = open_storage(where)
        self._open()

    @patient
    def _open(self) -> None:
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=self.name,
            direction="maximize",
            load_if_exists=True,
        )

    @patient
    def submit(
        self, plan: Sequence[Planned], retry: bool = False, stop: StopRule | None = None
    ) -> int:
        """Make this the study's plan and return how many of its trials have not ended.

        What ended stays; what waits and is not in the plan is taken off. Looks that are due are
        made.

        Args:
            plan: in the order in which its trials are to be run.
            retry: queue again those that ended in one of `schema.RETRIED`, but for what a look has
                seen.
            stop: when it stops before all of the plan is run, if ever.
        """
        wanted = {planned.spec.key: planned for planned in plan}
        # A rule holds its own keys: whoever reads in between sees the one or the other plan.
        values = {STOP: stop and stop.to_json(), "plan": list(wanted)}
        for name in (STOP, "plan") if stop else ("plan", STOP):
            if self.recall(name) != values[name]:
                self.remember(name, values[name])
        self.recover()
        attempts = self._read()
        for trial in [trial for tries in attempts.values() for trial in tries]:
            if trial.state == TrialState.WAITING and trial.user_attrs["key"] not in wanted:
                self._end(trial._trial_id, TrialState.FAIL)
        for key, planned in wanted.items():
            last = standing(attempts.get(key, []))
            again = last is not None and retry and may_be_retried(last)
            if self._looks.fate(key) is Fate.NOT_NEEDED or (again and self._looks.have_seen(key)):
                continue
            if last is None or again:
                after = -1 if last is None else last.number
                self._enqueue(planned.spec, planned.cell.name, after, 0, planned.explore)
        self._make_looks()
        return self.unfinished()

    @patient
    def claim(self) -> Assignment | None:
        """The next trial, now this owner's, or None where none waits at the moment."""
        misses = 0
        while True:
            if not self._waiting or misses >= MISSES:
                self._read()
                misses = 0
            if not self._waiting:
                self._make_looks()
            if not self._waiting:
                return None
            # Where others claim too, a step aside is faster than trying what they have taken.
            place = random.randrange(min(len(self._waiting), misses + 1))
            trial = self._waiting.pop(place)
            if not self._take(trial):
                misses += 1
            elif self._is_repeat(trial):
                self._end(trial._trial_id, TrialState.FAIL)
            else:
                return assignment_of(trial)

    @patient
    def proceed(self, assignment: Assignment, epoch: Mapping[str, Any]) -> bool:
        """Keep an epoch's validation accuracy, and say whether the trial is to go on."""
        with contextlib.suppress(UpdateFinishedTrialError):  # lost to another: `renew` says so
            self._storage.set_trial_intermediate_value(
                assignment.trial_id, epoch["epoch"], epoch["val_accuracy"]
            )
        return True

    @patient
    def finish(self, assignment: Assignment, outcome: Outcome) -> bool:
        """Store what a claimed trial gave, then end it, in that order.

        Returns:
            False where the trial was given to another meanwhile: then nothing was changed.
        """
        text = json.dumps(asdict(outcome))
        try:
            self._storage.set_trial_user_attr(assignment.trial_id, "outcome", text)
            self._settle(assignment.trial_id, outcome.row)
        except UpdateFinishedTrialError:
            stored = self._storage.get_trial(assignment.trial_id)
            return stored.state in ENDED and stored.user_attrs.get("outcome") == text
        return True

    @patient
    def give_back(self, assignment: Assignment, killed: bool = False) -> bool:
        """Queue a claimed trial again; False where it had ended or was given to another.

        Args:
            claim: the trial.
            killed: whether its process died of it.
        """
        if not self._end(assignment.trial_id, TrialState.FAIL):
            return False
        self._enqueue(
            assignment.spec,
            assignment.cell,
            assignment.number,
            assignment.kills + int(killed),
            assignment.explore,
        )
        return True

    @patient
    def renew(self, held: Iterable[Assignment]) -> list[Assignment]:
        """Hold trials for another `lease_s`, and return those that are held no more."""
        return [assignment for assignment in held if not self._hold(assignment.trial_id)]

    @patient
    def recover(self) -> int:
        """Queue again what dead holders left, and return how many trials that were.

        One whose outcome was stored already is ended instead.
        """
        return sum(self._lost(trial) for trial in self._running()) + self._orphans()

    @patient
    def unfinished(self) -> int:
        """Trials of the plan that have not ended and may be needed, whoever has them."""
        attempts = self._read()
        return sum(ended(attempts.get(key, [])) is None for key in self._needed())

    @patient
    def looks(self) -> Looks:
        """The looks at the study, made as far as its trials allow; none are planned without."""
        self._read()
        self._make_looks()
        return self._looks.made

    @patient
    def spared(self) -> int:
        """Trials of the plan that are not needed, so far as is known."""
        if not self._waiting and self._looks.made.next is not None:
            self._read()
            self._make_looks()
        return self._looks.spared

    @patient
    def bound(self) -> list[str]:
        """Keys that `submit` does not try again though they failed, for a look has seen them."""
        attempts = self._read()
        lasts = {key: ended(attempts.get(key, [])) for key in self._needed()}
        return [
            key
            for key, last in lasts.items()
            if last is not None and may_be_retried(last) and self._looks.have_seen(key)
        ]

    @patient
    def outcomes(self) -> dict[str, dict[str, Any]]:
        """The outcome of each key that has ended; of one that was tried again, the last."""
        return {
            key: json.loads(tries[-1].user_attrs["outcome"])
            for key, attempts in self._read().items()
            if (tries := [trial for trial in attempts if trial.state in ENDED])
        }

    @patient
    def counts(self) -> Counter[str]:
        """How many attempts are in each of Optuna's states."""
        return Counter(trial.state.name.lower() for trial in self._trials())

    @patient
    def remember(self, name: str, value: Any) -> None:
        """Keep a measurement that belongs to the study and not to a trial."""
        self._study.set_user_attr(name, value)

    @patient
    def recall(self, name: str) -> Any:
        """A measurement kept by `remember`, or None."""
        return self._study.user_attrs.get(name)

    def close(self) -> None:
        """Let go of the storage."""
        close(self._storage)

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _read(self) -> Mapping[str, list[FrozenTrial]]:
        """Read the attempts of each key, oldest first, and which of them wait."""
        attempts: defaultdict[str, list[FrozenTrial]] = defaultdict(list)
        trials = [trial for trial in self._trials() if "key" in trial.user_attrs]
        for trial in trials:
            attempts[trial.user_attrs["key"]].append(trial)
        self._attempts = attempts
        self._looks.read(self._study.user_attrs)
        waiting = [trial for trial in trials if trial.state == TrialState.WAITING]
        self._waiting = [trial for trial in waiting if self._may_run(trial)]
        return attempts

    def _make_looks(self) -> None:
        """Make every look that is due, and store it: it binds all workers."""
        while (look := self._looks.due(self._attempts)) is not None:
            found = look.make()
            # That may have taken a while: others may have made it too, or queued a trial again.
            if look.is_same(self._looks.due(self._read())):
                self.remember(look.name, found)
                self._read()

    def _needed(self) -> list[str]:
        """Keys of the plan, but for those that are not needed."""
        return self._looks.needed(self.recall("plan") or [])

    def _may_run(self, trial: FrozenTrial) -> bool:
        """Whether an attempt may be claimed now; one that never may be is taken off."""
        key = trial.user_attrs["key"]
        why = self._looks.why_never(key)
        if why is None:
            return self._looks.fate(key) is Fate.TRAINED
        with contextlib.suppress(UpdateFinishedTrialError):  # another has taken it off too
            self._storage.set_trial_user_attr(trial._trial_id, "why", why)
        self._end(trial._trial_id, TrialState.FAIL)
        return False

    def _running(self) -> list[FrozenTrial]:
        return [trial for trial in self._trials() if trial.state == TrialState.RUNNING]

    def _take(self, trial: FrozenTrial) -> bool:
        try:
            taken = self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        except UpdateFinishedTrialError:  # another took it, and has ended it since
            return False
        return taken and self._hold(trial._trial_id)

    def _hold(self, trial_id: int) -> bool:
        lease = Lease(owner=self._owner, until=time.time() + self.lease_s)
        try:
            self._storage.set_trial_user_attr(trial_id, "lease", lease.to_json())
        except UpdateFinishedTrialError:
            return False
        return True

    def _is_repeat(self, trial: FrozenTrial) -> bool:
        """Whether an earlier attempt does the work of this one, which was queued beside it.

        Two launchers that start at once may each queue a key. Of two attempts that stand for the
        same work the older one is run.
        """
        after = trial.user_attrs["after"]
        rivals = [
            other._trial_id
            for other in self._attempts.get(trial.user_attrs["key"], [])
            if after < other.number < trial.number
        ]
        return any(self._storage.get_trial(rival).state != TrialState.FAIL for rival in rivals)

    def _lost(self, trial: FrozenTrial) -> bool:
        """Whether a running attempt was lost with its holder; if so it is queued again."""
        if not self._is_abandoned(trial):
            return False
        outcome = trial.user_attrs.get("outcome")
        if outcome is not None:  # killed before the last step
            with contextlib.suppress(UpdateFinishedTrialError):  # another has found it too
                self._settle(trial._trial_id, json.loads(outcome)["row"])
            return False
        if "key" not in trial.user_attrs or not self._end(trial._trial_id, TrialState.FAIL):
            return False
        self._enqueue_again(trial)
        return True

    def _is_abandoned(self, trial: FrozenTrial) -> bool:
        text = trial.user_attrs.get("lease")
        if text is not None:
            return lease_from_json(text).over
        seen = self._unheld.setdefault(trial._trial_id, time.monotonic())
        return time.monotonic() - seen > UNHELD_S

    def _orphans(self) -> int:
        """Queue the keys of the plan again whose last attempt was lost before that was done."""
        attempts = self._read()
        found = [
            tries[-1]
            for key in self._needed()
            if (tries := attempts.get(key, []))
            and all(trial.state == TrialState.FAIL for trial in tries)
        ]
        for trial in found:
            self._enqueue_again(trial)
        return len(found)

    def _enqueue_again(self, trial: FrozenTrial) -> None:
        assignment = assignment_of(trial)
        self._enqueue(
            assignment.spec,
            assignment.cell,
            assignment.number,
            assignment.kills,
            assignment.explore,
        )

    def _enqueue(self, spec: TrialSpec, cell: str, after: int, kills: int, explore: bool) -> None:
        """Queue an attempt of a key that stands for none numbered up to `after`."""
        attributes = {
            "key": spec.key,
            "cell": cell,
            "seed": spec.seed,
            "spec": to_json(spec),
            "after": after,
            "kills": kills,
            "explore": explore,
        }
        self._study.enqueue_trial({}, user_attrs=attributes)

    def _settle(self, trial_id: int, row: Mapping[str, Any]) -> None:
        """End an attempt whose outcome is stored; raises `UpdateFinishedTrialError`."""
        if row["state"] == "complete":
            value = [row["val_accuracy"]]
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, value)
        else:
            self._storage.set_trial_state_values(trial_id, TrialState.PRUNED)

    def _end(self, trial_id: int, state: TrialState) -> bool:
        try:
            return self._storage.set_trial_state_values(trial_id, state)
        except UpdateFinishedTrialError:
            return False
