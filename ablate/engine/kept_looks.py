"""The looks at a study with `[stop]` as its storage keeps them, for one reading of its attempts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from optuna.trial import FrozenTrial

from ablate.engine.attempts import ended, row_of
from ablate.engine.stop_rule import StopRule, stop_rule_from_json
from ablate.results.stopping import Fate, Looks, look_from_json, look_to_json, not_needed

STOP = "stop"  # the attribute of the study that holds its rule
NONE = Looks(planned=())


class KeptLooks:
    """When a study stops, and the looks that have been made; neither where it trains all.

    Attributes:
        made: the looks, planned and made.
    """

    def __init__(self) -> None:
        self._rule: StopRule | None = None
        self.made = NONE

    def read(self, known: Mapping[str, Any]) -> None:
        """Follow the attributes of the study."""
        raw = known.get(STOP)
        if raw is None:
            self._rule, self.made = None, NONE
            return
        if self._rule is None or self._rule.name != raw["name"]:
            self._rule = stop_rule_from_json(raw)
        names = takewhile(known.__contains__, map(self._rule.attribute, self._rule.planned))
        made = tuple(look_from_json(known[name]) for name in names)
        self.made = Looks(planned=self._rule.planned, made=made)

    @property
    def spared(self) -> int:
        """Trials that are not needed, so far as is known."""
        return len(self._rule.keys) - len(self._rule.needed(self.made)) if self._rule else 0

    def needed(self, plan: Iterable[str]) -> list[str]:
        """Keys of a plan, but for those that are not needed."""
        return list(plan) if self._rule is None else self._rule.needed(self.made)

    def fate(self, key: str) -> Fate:
        """What becomes of a trial; one that is not of the rule's plan waits."""
        if self._rule is None:
            return Fate.TRAINED
        trial = self._rule.trials.get(key)
        return Fate.WAITS if trial is None else self.made.fate(*trial)

    def have_seen(self, key: str) -> bool:
        """Whether a look has been made that a trial was part of: it is as it is for good."""
        trial = None if self._rule is None else self._rule.trials.get(key)
        return trial is not None and self.made.is_seen(trial[1])

    def why_never(self, key: str) -> str | None:
        """Why an attempt at a trial that waits will never be run; None where it may be."""
        fate = self.fate(key)
        if fate is Fate.TRAINED and self.have_seen(key):
            return "not tried again: a look has seen it"
        if fate is Fate.NOT_NEEDED and self._rule is not None:
            return not_needed(self.made, *self._rule.trials[key])
        return None

    def due(self, attempts: Mapping[str, Sequence[FrozenTrial]]) -> "DueLook | None":
        """The next look, where all trials that it sees have ended."""
        if self._rule is None or self.made.next is None:
            return None
        seen = {
            key: ended(attempts.get(key, []))
            for key in self._rule.seen_by(self.made, self.made.next)
        }
        trials = {key: trial for key, trial in seen.items() if trial is not None}
        return None if len(trials) < len(seen) else DueLook(self._rule, self.made, trials)


class DueLook:
    """A look that can be made.

    Args:
        rule: of its study.
        before: the looks made before.
        trials: the attempts that it sees, by key.
    """

    def __init__(self, rule: StopRule, before: Looks, trials: Mapping[str, FrozenTrial]) -> None:
        assert before.next is not None
        self.name = rule.attribute(before.next)
        self._rule, self._before, self._seeds = rule, before, before.next
        self._trials = trials

    def make(self) -> dict[str, Any]:
        """What it settles, as JSON values; it may take seconds."""
        rows = (
            (key, trial.user_attrs["spec"], row_of(trial)) for key, trial in self._trials.items()
        )
        return look_to_json(self._rule.look(self._before, self._seeds, rows))

    def is_same(self, other: "DueLook | None") -> bool:
        """Whether another one is the same look at the same trials."""
        return other is not None and self.name == other.name and self._numbers() == other._numbers()

    def _numbers(self) -> dict[str, int]:
        return {key: trial.number for key, trial in self._trials.items()}
