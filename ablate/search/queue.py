"""The trials of a search: queued as its samplers ask for them, and cut short as its pruner says.

The trials are an ordinary `Queue`, so that what two samplers ask for is trained once, and any
worker can run it. The process that began the search alone asks the samplers: they are its chains.
"""

import json
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial

from ablate.engine.attempts import ENDED
from ablate.engine.exploring_queue import EXPLORING, ExploringQueue
from ablate.engine.lease import LEASE_S, Assignment
from ablate.engine.queue import Queue
from ablate.engine.storage import patient
from ablate.search.chain import Chain, Latency
from ablate.search.file import MULTI_FIDELITY
from ablate.search.plan import Search
from ablate.study.cells import Cell
from ablate.study.plan import Planned


class SearchQueue(ExploringQueue):
    """The trials of a search, for the process that began it.

    Args:
        where, name, lease_s: as for `Queue`.
        search: what is looked for, and how.
        latency: measures a network, where that is an objective. Networks are then asked for, and
            measured, only while none is training.
    """

    def __init__(
        self,
        where: str,
        name: str,
        search: Search,
        latency: Latency | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        super().__init__(where, f"{name}/explore", lease_s)
        self._quiet = latency is not None
        self._known: dict[str, dict[str, Any]] = {}
        table = search.file.search
        self._chains = [
            Chain(self._storage, name, search, sampler, repeat, latency)
            for repeat in range(table.repeats)
            for sampler in table.samplers
        ]
        self._plan: dict[str, Planned] = {}
        self._exploring: dict[str, Any] = {
            "chains": [chain.name for chain in self._chains],
            "pruner": table.pruner,
            "by_epoch": table.pruner in MULTI_FIDELITY,
            "epochs": search.train.epochs,
            "going": len(self._chains),
        }
        self._going = list(self._chains)

    @patient
    def claim(self) -> Assignment | None:
        """The next trial; the samplers are asked where none waits."""
        assignment: Assignment | None = super().claim()
        if assignment is None and self._ask():
            assignment = super().claim()
        return assignment

    @patient
    def rows(self) -> list[dict[str, Any]]:
        """One row a trial that a sampler was told, with the columns of `search.csv`."""
        return [row for chain in self._chains for row in chain.rows()]

    def _ask(self) -> bool:
        """Tell the samplers what has ended and queue what they ask for; say if that is anything."""
        if not self._going or (self._quiet and Queue.unfinished(self)):
            return False
        for key, attempts in self._read().items():
            if key not in self._known and (ended := _ended(attempts)):
                self._known[key] = json.loads(ended[-1].user_attrs["outcome"])
        for chain in self._going:
            chain.advance(self._known)
        asked = {
            spec.key: Planned(Cell(name, {}, spec.net), spec, explore=True)
            for chain in self._going
            for name, spec in chain.asked()
        }
        self._going = [chain for chain in self._going if not chain.done]
        new = asked.keys() - self._plan.keys()
        self._plan = asked | self._plan  # who asked first names it
        self._exploring["going"] = len(self._going)
        if self.recall(EXPLORING) != self._exploring:
            self.remember(EXPLORING, self._exploring)
        if new:
            self.submit(list(self._plan.values()))
        return bool(new)


def _ended(attempts: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in attempts if trial.state in ENDED]
