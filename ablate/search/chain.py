"""One sampler in one repeat: the networks it asks for, one after the other, and is told of.

A chain is an Optuna study, and all that it knows is in the storage. What a trial asks for is kept
as its attribute `asked`, what came of it as `told`; a trial without `asked` was lost while it was
drawn. Each draw has a seed of its own: a chain that was stopped goes on as if it had not been.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from ablate.engine.exploring_queue import ASKED, TOLD, make_pruner
from ablate.errors import InputError
from ablate.networks.canonical import description
from ablate.networks.cost import count
from ablate.search.file import ACCURACY, SearchTable
from ablate.search.plan import Search
from ablate.search.samplers import distributions, make_sampler, sampler_seed
from ablate.search.space import BUILDABLE
from ablate.spec.network import NetSpec
from ablate.spec.trial import TrialSpec, content_hash
from ablate.statistics.signed_rank import threshold
from ablate.study.trial_json import to_json, trial_from_json

STUCK = 200  # draws in a row that bring no network that may be trained and is new
TRAIN_OVER_FORWARD = 3  # multiply-accumulates of a training step over those of a forward pass
Latency = Callable[[NetSpec], float]


class Chain:
    """A sampler's search in one repeat.

    Args:
        storage: where it is kept.
        name: of the search, to which the chain's own name is added.
        search: what is looked for, and how.
        sampler, repeat: which chain.
        latency: times a network, where latency is an objective or has a limit; in milliseconds.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        search: Search,
        sampler: str,
        repeat: int,
        latency: Latency | None = None,
    ) -> None:
        self.name = f"{name}/{sampler}-{repeat}"
        self._storage, self._search = storage, search
        self._sampler, self._repeat = sampler, repeat
        self._latency = latency
        table = search.file.search
        self._study = optuna.create_study(
            storage=storage,
            study_name=self.name,
            directions=[
                "maximize" if name == ACCURACY else "minimize" for name in table.objectives
            ],
            pruner=pruner_of(table, search.train.epochs),
            load_if_exists=True,
        )

    @property
    def done(self) -> bool:
        """Whether nothing is left to ask for or to be told."""
        trials = self._trials()
        return not _open(trials) and self._left(_drawn(trials)) == 0

    def advance(self, outcomes: Mapping[str, Mapping[str, Any]]) -> None:
        """Tell the sampler what is known, and ask it for more where it waits for nothing.

        Args:
            outcomes: of the trials that have ended, by key.
        """
        trials = self._trials()
        for trial in trials:
            if trial.state == TrialState.RUNNING and ASKED not in trial.user_attrs:
                self._study.tell(trial.number, state=TrialState.FAIL)
        self._tell_all(trials, outcomes)
        while not _open(trials := self._trials()):
            drawn = _drawn(trials)
            together = min(self._search.file.search.at_once, self._left(drawn))
            if together == 0:
                return
            for _ in range(together):
                drawn.append(self._ask(drawn))
            self._tell_all(self._trials(), outcomes)

    def asked(self) -> Iterator[tuple[str, TrialSpec]]:
        """All trainings that were asked for, oldest first, each with a name for the display.

        Where a network may be cut short over its seeds, those that were not needed are left out.
        """
        for trial in self._trials():
            asked = trial.user_attrs.get(ASKED, {})
            kept = trial.user_attrs.get(TOLD, {}).get("n", 0)
            specs = [trial_from_json(text) for text in asked.get("specs", [])]
            if self._search.file.search.pruner == "wilcoxon":
                reached = kept if trial.state.is_finished() else len(trial.intermediate_values) + 1
                specs = specs[:reached]
            for spec in specs:
                yield f"{self._sampler} {self._repeat}, network {trial.number}", spec

    def rows(self) -> list[dict[str, Any]]:
        """One row a trial that was told, with the columns of `search.csv`."""
        table = []
        for trial in self._trials():
            asked, told = trial.user_attrs.get(ASKED), trial.user_attrs.get(TOLD)
            if asked is None or told is None:
                continue
            specs = [trial_from_json(text) for text in asked["specs"]]
            row = {
                "sampler": self._sampler,
                "repeat": self._repeat,
                "number": trial.number,
                "point": json.dumps(trial.params, separators=(",", ":")),
                "keys": " ".join(spec.key for spec in specs),
                "network": json.dumps(description(specs[0].net)) if specs else None,
            }
            table.append(asked["row"] | told | row)
        return table

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _left(self, drawn: Sequence[Mapping[str, Any]]) -> int:
        """Networks that may still be asked for; none where the space seems used up."""
        new = [asked["row"]["feasible"] and not asked["row"]["repeated"] for asked in drawn]
        stuck = len(new) >= STUCK and not any(new[-STUCK:])
        return 0 if stuck else self._search.file.search.trials - sum(new)

    def _ask(self, drawn: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Draw a point, after others; one that may not be trained is told at once."""
        search = self._search
        seed = sampler_seed(search.file.search, self._repeat, len(drawn))
        self._study.sampler = make_sampler(self._sampler, search.file.search, seed)
        trial = self._study.ask(distributions(search.space.parameters))
        try:
            net = search.space.network(trial.params)
            constraints = {BUILDABLE: 0.0} | search.space.excesses(net)
        except InputError:
            net = None
            constraints = {BUILDABLE: 1.0}
        # What is beyond a limit by counting alone is not timed.
        within = net is not None and all(excess <= 0 for excess in constraints.values())
        latency = self._latency(net) if net is not None and within and self._latency else None
        if latency is not None:
            constraints |= search.space.latency_excesses(latency)
        names = (BUILDABLE, *(limit.name for limit in search.space.limits))
        constraints = dict.fromkeys(names, 0.0) | constraints
        for name, excess in constraints.items():
            trial.set_constraint(name, excess)
        feasible = all(excess <= 0 for excess in constraints.values())
        row: dict[str, Any] = {"sampler_seed": seed, "feasible": feasible}
        row |= {"net": None} if net is None else _described(net, latency)
        row["repeated"] = feasible and row["net"] in [other["row"]["net"] for other in drawn]
        specs = search.trials(net, self._repeat) if net is not None and feasible else []
        asked = {"row": row, "specs": [to_json(spec) for spec in specs]}
        trial.set_user_attr(ASKED, asked)
        if not feasible:
            self._tell(trial, "infeasible", asked, [])
        return asked

    def _tell_all(
        self, trials: Sequence[FrozenTrial], outcomes: Mapping[str, Mapping[str, Any]]
    ) -> None:
        for trial in _open(trials):
            asked = trial.user_attrs[ASKED]
            keys = [trial_from_json(text).key for text in asked["specs"]]
            ended = []
            for key in keys:
                if key not in outcomes:
                    break
                ended.append(outcomes[key])
            feasible = asked["row"]["feasible"]
            state = self._state(trial, ended, len(keys)) if feasible else "infeasible"
            if state is not None:
                self._tell(trial, state, asked, ended)

    def _state(self, trial: FrozenTrial, ended: list[Mapping[str, Any]], wanted: int) -> str | None:
        """How a network has ended, or None where more of its trainings are to be waited for."""
        lost = [one["row"]["state"] for one in ended if one["row"]["state"] != "complete"]
        if lost:
            return str(lost[0])
        by_seed = self._search.file.search.pruner == "wilcoxon"
        if by_seed:
            for step in range(len(trial.intermediate_values), len(ended)):
                accuracy = ended[step]["row"][ACCURACY]
                self._storage.set_trial_intermediate_value(trial._trial_id, step, accuracy)
        if len(ended) == wanted:
            return "complete"
        if not by_seed:
            return None
        reported = self._storage.get_trial(trial._trial_id)
        return "pruned" if self._study.pruner.prune(self._study, reported) else None

    def _tell(
        self,
        trial: optuna.Trial | FrozenTrial,
        state: str,
        asked: Mapping[str, Any],
        ended: list[Mapping[str, Any]],
    ) -> None:
        """Keep how a trial ended, then tell the sampler, in that order."""
        row = asked["row"]
        accuracies = [one["row"][ACCURACY] for one in ended if one["row"]["state"] == "complete"]
        paid = row["feasible"] and not row["repeated"]
        epochs = sum(len(one["epochs"]) for one in ended) if paid else 0
        told = {
            "state": state,
            ACCURACY: sum(accuracies) / len(accuracies) if accuracies else None,
            "n": len(ended),
            "train_macs": TRAIN_OVER_FORWARD * row.get("macs", 0) * self._search.images * epochs,
            "seconds": sum(one["row"].get("train_seconds") or 0.0 for one in ended),
        }
        self._storage.set_trial_user_attr(trial._trial_id, TOLD, told)
        if state == "pruned":
            self._study.tell(trial.number, state=TrialState.PRUNED)
        elif state in ("complete", "diverged", "infeasible"):
            self._study.tell(trial.number, self._values(state, row | told))
        else:
            self._study.tell(trial.number, state=TrialState.FAIL)

    def _values(self, state: str, row: Mapping[str, Any]) -> list[float]:
        """What the sampler is told: as measured, or the reference where nothing was.

        A network that diverged has learned nothing: its accuracy is zero. Of one that may not be
        trained the sampler goes by how far it is beyond the limits, yet it wants values.
        """
        known = dict(row) | ({ACCURACY: 0.0} if state == "diverged" else {})
        values = []
        for name in self._search.file.search.objectives:
            value = known.get(name)
            values.append(float(self._search.reference[name] if value is None else value))
        return values


def pruner_of(table: SearchTable, epochs: int) -> BasePruner:
    """What cuts trainings short, as a search's file says.

    `wilcoxon` is asked after each seed but the last, which is as many looks as it has.
    """
    if table.pruner != "wilcoxon":
        return make_pruner(table.pruner, epochs)
    return make_pruner(table.pruner, epochs, threshold(table.false_prunes, table.seeds_each - 1))


def _described(net: NetSpec, latency: float | None) -> dict[str, Any]:
    """What is known of a network before it is trained; its latency in milliseconds if timed."""
    cost = count(net)
    return {
        "net": content_hash(net),
        "widths": json.dumps(net.widths),
        "depths": json.dumps(net.depths),
        "params": cost.params,
        "macs": cost.macs,
        "activations": cost.activations,
        "latency": latency,
    }


def _open(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """What was asked for and not yet told."""
    return [
        trial for trial in trials if trial.state == TrialState.RUNNING and ASKED in trial.user_attrs
    ]


def _drawn(trials: Sequence[FrozenTrial]) -> list[Mapping[str, Any]]:
    """What each draw brought, whether it is told or not."""
    return [trial.user_attrs[ASKED] for trial in trials if ASKED in trial.user_attrs]
