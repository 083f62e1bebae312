"""What stopping settled runs saves, and what it costs in verdicts, errors, coverage and power.

`python -m benchmarks.stopping` prints three tables (minutes on two cores; `--out DIR` writes them
as CSV too): the published runs with their seeds in other orders; simulated runs with the spreads of
published ones; and AdaStop (Mathieu et al. 2023) on six of the runs, where it is installed.
"""

import argparse
import contextlib
import functools
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.results import names
from ablate.results.csv import read_trials
from ablate.results.looks import OUTCOME, cells, comparisons
from ablate.results.published import published_root
from ablate.statistics.family import compare, describe, finding
from ablate.statistics.stopping import Level, Seen, default_looks, level_of, see
from ablate.study.file import StopTable, read_study_file

HELD_OUT = 20_261  # of the seed of orders; looks and spending were chosen on others, below 100
DRAWS = 29_999  # instead of 99,999, at most; of simulated runs
FEWER_DRAWS = 4_999
FUTILITY = StopTable().futility
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A published run: accuracies in points, shape (seeds, cells), and what is compared."""

    name: str
    values: Array
    pairs: npt.NDArray[np.int_]
    margins: Array
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that was stopped: of each comparison the word, the look, and its intervals."""

    words: tuple[str, ...]
    seen: tuple[Seen, ...]
    trials: int


def published(root: Path) -> list[Run]:
    """The published runs that can be stopped: of a fixed grid, with four seeds or more."""
    runs = []
    for path in sorted(root.glob(f"*/*/{names.TRIALS}")):
        file, trials = read_study_file(path.parent / names.STUDY), read_trials(path)
        order, family = cells(file), comparisons(file)
        complete = trials[trials["state"] == "complete"]
        if file.sample is not None or not family or set(order) != set(trials["cell"]):
            continue
        table = complete.pivot(index="seed", columns="cell", values=OUTCOME)
        values = 100 * table[list(order)].to_numpy(dtype=float)
        if len(values) >= 4:
            runs.append(
                Run(
                    name="/".join(path.parts[-3:-1]),
                    values=values,
                    pairs=np.array(
                        [(order.index(one.first), order.index(one.second)) for one in family]
                    ),
                    margins=np.array([100 * one.margin for one in family]),
                    names=tuple(one.name for one in family),
                )
            )
    return runs


@functools.cache
def _level(looks: tuple[int, ...], seeds: int, size: int) -> Level:
    return level_of(looks, seeds, size)


def stopped(
    values: Array,
    pairs: npt.NDArray[np.int_],
    margins: Array,
    futility: float,
    draws: int = FEWER_DRAWS,
) -> Ended:
    """A run whose trials come in the order of the rows, stopped by `ablate.statistics.stopping`."""
    looks = tuple(default_looks(len(values)))
    seen_by = np.full_like(values, np.nan)
    size = len(pairs)
    words, last = [""] * size, [None] * size
    going = np.ones(values.shape[1], dtype=bool)
    for seeds in looks:
        seen_by[:seeds, going] = values[:seeds, going]
        at = _level(looks, seeds, size)
        found = see(seen_by, pairs, margins, at, [word != "" for word in words], draws)
        for place, one in enumerate(found):
            if not words[place]:
                given_up = seeds == looks[-1] or one.futile(futility)
                words[place], last[place] = one.word or ("open" if given_up else ""), one
        going[:] = False
        going[pairs[[not word for word in words]].ravel()] = True
        if not going.any():
            break
    return Ended(
        words=tuple(words), seen=tuple(last), trials=int(np.count_nonzero(~np.isnan(seen_by)))
    )


def fixed(values: Array, pairs: npt.NDArray[np.int_], margins: Array) -> tuple[str, ...]:
    """The words of all seeds, by the family's procedure."""
    rows = np.zeros((len(pairs), values.shape[1]))
    rows[np.arange(len(pairs)), pairs[:, 0]] = 1
    rows[np.arange(len(pairs)), pairs[:, 1]] = -1
    family = compare(values, rows)
    found = [
        finding(one, family, margin)
        for one, margin in zip(family.comparisons, margins, strict=True)
    ]
    return tuple(word.replace("inconclusive", "open") for word in found)


def save(run: Run, orders: int, futility: float = FUTILITY) -> dict[str, object]:
    """A published run with its seeds in other orders: trials used, and verdicts kept."""
    want = fixed(run.values, run.pairs, run.margins)
    rng = np.random.default_rng([HELD_OUT, *run.name.encode()])
    ended = [
        stopped(rng.permutation(run.values), run.pairs, run.margins, futility, DRAWS)
        for _ in range(orders)
    ]
    kept = np.array([[a == b for a, b in zip(one.words, want, strict=True)] for one in ended])
    changed: dict[str, int] = {}
    for one in ended:
        for was, now in zip(want, one.words, strict=True):
            if was != now:
                changed[f"{was} > {now}"] = changed.get(f"{was} > {now}", 0) + 1
    return {
        "run": run.name,
        "seeds": len(run.values),
        "cells": run.values.shape[1],
        "trials": run.values.size,
        "used": float(np.mean([one.trials for one in ended])),
        "comparisons": len(want),
        "kept": float(kept.sum(axis=1).mean()),
        "changed": "; ".join(f"{what} {n / orders:.2f}" for what, n in sorted(changed.items())),
    }


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Simulated runs.

    Args:
        name: of the scene.
        like: the published run whose residuals and comparisons they have.
        seeds: planned.
        truth: of each cell, in points, from the margin.
    """

    name: str
    like: str
    seeds: int
    truth: Callable[[int], Array]


def _null(arms: int) -> Array:
    return np.zeros(arms)


def _mixed(arms: int) -> Array:
    """A third of the cells 1 point above, a third at the margin, a third nothing."""
    return np.array([(0.0, 1.0, 0.5)[arm % 3] for arm in range(arms)])


def _large(arms: int) -> Array:
    """Every other cell 3 points above."""
    return np.array([3.0 * (arm % 2) for arm in range(arms)])


SCENES = tuple(
    Scene(name=name, like=like, seeds=seeds, truth=truth)
    for like, seeds in (
        ("width_iso_macs/folder-cifar10-jpeg", 8),
        ("shortcut_x_growth/digits", 10),
        ("growth_placement/digits", 20),
        ("width_iso_macs/digits", 30),
    )
    for name, truth in (("nothing differs", _null), ("some differ", _mixed), ("half by 3", _large))
)


def simulate(scene: Scene, run: Run, count: int, futility: float) -> dict[str, object]:
    """Errors and coverage of a scene: residuals of the run drawn again with its correlation."""
    rng = np.random.default_rng([7, scene.seeds, *scene.name.encode()])
    truth = scene.truth(run.values.shape[1])
    deltas = truth[run.pairs[:, 0]] - truth[run.pairs[:, 1]]
    false = missed = 0
    covered = []
    used = 0
    for _ in range(count):
        ended = stopped(
            truth + noise(run.values, scene.seeds, rng), run.pairs, run.margins, futility
        )
        inside = [
            one.low <= delta <= one.high for one, delta in zip(ended.seen, deltas, strict=True)
        ]
        false += any(
            _is_wrong(word, delta, margin)
            for word, delta, margin in zip(ended.words, deltas, run.margins, strict=True)
        )
        missed += not all(inside)
        covered.append(np.mean(inside))
        used += ended.trials
    low, high = _limits(false, count)
    return {
        "scene": scene.name,
        "like": scene.like,
        "seeds": scene.seeds,
        "futility": futility,
        "runs": count,
        "family-wise error": false / count,
        "error low": low,
        "error high": high,
        "joint coverage": 1 - missed / count,
        "coverage": float(np.mean(covered)),
        "trials": used / count / scene.seeds / len(truth),
    }


def noise(values: Array, seeds: int, rng: np.random.Generator) -> Array:
    """New rows with the spreads and the correlation of some: residuals drawn again where there are
    20 or more, else normal."""
    if len(values) >= 20:
        residuals = (values - values.mean(axis=0)) * np.sqrt(len(values) / (len(values) - 1))
        return residuals[rng.integers(len(values), size=seeds)]
    arms = describe(values, [0] * values.shape[1])
    factor = np.linalg.cholesky(arms.correlation)
    return rng.standard_normal((seeds, values.shape[1])) @ factor.T * values.std(axis=0, ddof=1)


def _is_wrong(word: str, delta: float, margin: float) -> bool:
    """Whether a word is false: a direction that is not the true one, or equal beyond the margin."""
    if word in ("higher", "lower"):
        return delta == 0 or (delta > 0) != (word == "higher")
    return word == "equivalent" and abs(delta) >= margin


def _limits(hits: int, count: int) -> tuple[float, float]:
    """95% limits of a share (Wilson 1927)."""
    z, share = 1.96, hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return float(middle - half), float(middle + half)


def power(run: Run, seeds: int, effect: float, count: int, futility: float) -> dict[str, object]:
    """How often a difference of so many points is found: all seeds, and stopped."""
    rng = np.random.default_rng([11, seeds])
    truth = np.zeros(run.values.shape[1])
    truth[run.pairs[0, 0]] = -effect
    all_seeds = by_looks = used = 0
    for _ in range(count):
        values = truth + noise(run.values, seeds, rng)
        all_seeds += fixed(values, run.pairs, run.margins)[0] == "lower"
        ended = stopped(values, run.pairs, run.margins, futility)
        by_looks += ended.words[0] == "lower"
        used += ended.trials
    return {
        "like": run.name,
        "seeds": seeds,
        "points": effect,
        "futility": futility,
        "runs": count,
        "power, all seeds": all_seeds / count,
        "power, stopped": by_looks / count,
        "trials": used / count / seeds / len(truth),
    }


PEERS = (
    *("width_iso_macs/folder-cifar10-jpeg", "width_iso_macs/fashion_mnist"),
    *("compute_balance/folder-cifar10-jpeg", "shortcut_type/digits"),
    *("head_width/digits", "width_iso_params/digits"),
)


def peer(run: Run, orders: int) -> dict[str, object]:
    """AdaStop on a published run, batches of 4 or 5 seeds, beside ours on the same orders.

    Its verdicts are higher, lower or neither; what is kept is counted so for both.
    """
    from adastop import MultipleAgentsComparator

    seeds = len(run.values)
    batch = 5 if seeds % 4 else 4
    plain = [_direction(word) for word in fixed(run.values, run.pairs, run.margins)]
    rng = np.random.default_rng([HELD_OUT, *run.name.encode()])
    rows = []
    for order in range(orders):
        values = rng.permutation(run.values)
        ours = stopped(values, run.pairs, run.margins, FUTILITY, DRAWS)
        it = MultipleAgentsComparator(
            n=batch, K=seeds // batch, B=2_000, comparisons=run.pairs, alpha=0.05, seed=order
        )
        had = np.zeros(values.shape[1], dtype=int)
        for step in range(1, seeds // batch + 1):
            had[np.unique(it.current_comparisons)] = step * batch
            known = {str(arm): values[: had[arm], arm] for arm in range(len(had))}
            with contextlib.redirect_stdout(io.StringIO()):
                it.partial_compare(known, verbose=False)
            if it.is_finished:
                break
        theirs = [
            {"larger": "higher", "smaller": "lower"}.get(it.decisions[str(pair)], "")
            for pair in run.pairs
        ]
        rows.append(
            (
                had.sum() / values.size,
                np.mean([a == b for a, b in zip(theirs, plain, strict=True)]),
                ours.trials / values.size,
                np.mean([_direction(a) == b for a, b in zip(ours.words, plain, strict=True)]),
            )
        )
    columns = ("AdaStop trials", "AdaStop kept", "our trials", "our kept")
    return {"run": run.name, **dict(zip(columns, np.mean(rows, axis=0), strict=True))}


def _direction(word: str) -> str:
    return word if word in ("higher", "lower") else ""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=20, help="of each published run's seeds")
    parser.add_argument("--runs", type=int, default=500, help="simulated, of each scene")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for CSV files")
    args = parser.parse_args()
    runs = {run.name: run for run in published(published_root())}
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        saved = _table(pool.map(save, runs.values(), [args.orders] * len(runs)))
        _show("published", _with_totals(saved), args.out)
        jobs = [(scene, futility) for scene in SCENES for futility in (0.0, FUTILITY)]
        errors = pool.map(
            simulate,
            [scene for scene, _ in jobs],
            [runs[scene.like] for scene, _ in jobs],
            [args.runs] * len(jobs),
            [futility for _, futility in jobs],
        )
        _show("simulated", _table(errors), args.out)
        like = runs["width_iso_params/digits"]
        found = pool.map(functools.partial(power, like, 20, 1.0, args.runs), (0.0, FUTILITY))
        _show("power", _table(found), args.out)
        try:
            import adastop  # noqa: F401
        except ImportError:
            print("AdaStop is not installed: pip install adastop")
            return
        some = [runs[name] for name in PEERS if name in runs]
        peers = pool.map(peer, some, [args.orders] * len(some))
        _show("adastop", _table(peers), args.out)


def _table(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def _with_totals(saved: pd.DataFrame) -> pd.DataFrame:
    whole = saved[["trials", "used", "comparisons", "kept"]].sum()
    total = pd.DataFrame([{"run": "all", **whole, "changed": ""}])
    table = pd.concat([saved, total], ignore_index=True)
    table.insert(5, "share used", table["used"] / table["trials"])
    table.insert(8, "share kept", table["kept"] / table["comparisons"])
    return table


def _show(name: str, table: pd.DataFrame, out: Path | None) -> None:
    print(f"\n{name}\n{table.round(4).to_string(index=False)}", flush=True)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        table.to_csv(out / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
