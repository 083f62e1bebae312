"""The queue of a search, for any worker that joins it."""

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    NopPruner,
    SuccessiveHalvingPruner,
    WilcoxonPruner,
)
from optuna.trial import FrozenTrial, TrialState

from ablate.engine.lease import Assignment
from ablate.engine.queue import Queue
from ablate.engine.storage import patient
from ablate.study.trial_json import trial_from_json

ASKED, TOLD = "asked", "told"
EXPLORING = "exploring"  # the attribute that says what a worker must know of the search


class ExploringQueue(Queue):
    """The trials of a search, for a worker that joins it.

    It waits where the search is not over and nothing is queued: the process that began the search
    says what comes next.
    """

    @patient
    def unfinished(self) -> int:
        """Trials that are queued and have not ended, and chains that will ask for more."""
        queued: int = super().unfinished()
        going: int = (self.recall(EXPLORING) or {"going": 0})["going"]
        return queued + going

    @patient
    def proceed(self, assignment: Assignment, epoch: Mapping[str, Any]) -> bool:
        """Keep an epoch's accuracy, and say whether a chain that waits for the trial wants more."""
        super().proceed(assignment, epoch)
        known = self.recall(EXPLORING) or {}
        if not known.get("by_epoch"):
            return True
        verdicts = []
        for name in known["chains"]:
            study = optuna.load_study(study_name=name, storage=self._storage)
            pruner = make_pruner(known["pruner"], known["epochs"])
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if _waits_for(trial, assignment.spec.key):
                    self._storage.set_trial_intermediate_value(
                        trial._trial_id, epoch["epoch"], epoch["val_accuracy"]
                    )
                    reported = self._storage.get_trial(trial._trial_id)
                    verdicts.append(pruner.prune(study, reported))
        return not verdicts or not all(verdicts)


def _waits_for(trial: FrozenTrial, key: str) -> bool:
    """Whether a chain's trial is a training of the key."""
    specs = trial.user_attrs.get(ASKED, {}).get("specs", [])
    return any(trial_from_json(text).key == key for text in specs)


def make_pruner(name: str, epochs: int, p_threshold: float = 0.1) -> BasePruner:
    """What cuts trainings short.

    Args:
        name: `hyperband` (Li et al. 2018, JMLR 18) and `halving` (successive halving; Li et al.
            2020, MLSys, asynchronous) judge the accuracy of an epoch, `wilcoxon` the accuracies
            over seeds against those of the best network; `none` cuts nothing.
        epochs: of a whole training.
        p_threshold: of `wilcoxon`, for each of its looks: see `signed_rank.threshold`.
    """
    if name == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3)
    if name == "halving":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    if name == "wilcoxon":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of its interface
            return WilcoxonPruner(p_threshold=p_threshold)
    assert name == "none", name
    return NopPruner()
