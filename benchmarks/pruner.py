"""How often `wilcoxon` cuts a network that it should keep: `python -m benchmarks.pruner`.

Optuna's own pruner, asked as a search asks it: after each seed but the last. Accuracies of a
network are normal over its seeds; a difference is in standard deviations of one network.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import optuna
from optuna.pruners import BasePruner

from ablate.engine.exploring_queue import make_pruner
from ablate.search.chain import pruner_of
from ablate.search.file import SearchTable

SEEDS = (5, 10, 20, 30)
CASES = {  # earlier networks, all alike; how much better than them the new one is
    "equal to the one before": (1, 0.0),
    "equal to the best of ten": (10, 0.0),
    "half a deviation better": (10, 0.5),
    "one worse": (1, -1.0),
    "two worse": (1, -2.0),
}
Array = npt.NDArray[np.float64]


def seeds_taken(pruner: BasePruner, best: Array, new: Array) -> int:
    """Seeds of the new network that are trained before it is cut, or all of them."""
    study = optuna.create_study(direction="maximize", pruner=pruner)
    done = optuna.create_trial(
        value=float(best.mean()), intermediate_values=dict(enumerate(best.tolist()))
    )
    study.add_trial(done)
    trial = study.ask()
    for step, accuracy in enumerate(new[:-1].tolist()):
        trial.report(accuracy, step)
        if trial.should_prune():
            return step + 1
    return len(new)


def draws(
    seeds: int, earlier: int, better: float, times: int, images: int | None
) -> Iterator[tuple[Array, Array]]:
    """The best of some networks and a new one, as accuracies by seed, paired by nothing else."""
    rng = np.random.default_rng(seeds)
    for _ in range(times):
        before = 0.9 + 0.01 * rng.standard_normal((earlier, seeds))
        new = 0.9 + 0.01 * (better + rng.standard_normal(seeds))
        if images is not None:
            before, new = np.round(before * images) / images, np.round(new * images) / images
        yield before[before.mean(axis=1).argmax()], new


def rates(pruner: BasePruner, seeds: int, times: int, images: int | None) -> list[str]:
    """For each case the share that is cut, and the seeds that a network takes."""
    cells = []
    for earlier, better in CASES.values():
        taken = np.array(
            [seeds_taken(pruner, *two) for two in draws(seeds, earlier, better, times, images)]
        )
        cells.append(f"{np.mean(taken < seeds):.1%} ({taken.mean():.1f})")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=400, help="simulated networks a number")
    parser.add_argument("--images", type=int, help="accuracies are shares of so many, so they tie")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"share cut, and seeds trained, of {arguments.times:,} networks each")
    print(" | ".join(["seeds", "p at each look", *CASES]))
    for seeds in SEEDS:
        table = SearchTable(
            samplers=["random"],
            objectives=["val_accuracy"],
            trials=1,
            pruner="wilcoxon",
            seeds_each=seeds,
        )
        corrected = pruner_of(table, epochs=1)
        for pruner in (make_pruner("wilcoxon", 1), corrected):
            cells = rates(pruner, seeds, arguments.times, arguments.images)
            print(" | ".join([f"{seeds}", f"{pruner._p_threshold:.4f}", *cells]), flush=True)


if __name__ == "__main__":
    main()
