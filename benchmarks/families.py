"""How often comparisons that hold together err, and what they find: ours beside three others.

`python -m benchmarks.families` draws tables of seeds and arms whose differences are known, and has
each method judge them:

- ours: `ablate.statistics.family`;
- Holm: exact sign-flip tests of paired differences, corrected by Holm 1979; its intervals are those
  that the same tests give after Bonferroni;
- max-t: the largest of all studentised paired differences against its exact sign-flip distribution,
  single step, with the fewest assumptions;
- AdaStop (Mathieu et al. 2023, arXiv 2306.10882; package `adastop`) with one look. It gives no
  intervals, and tries permutations in Python, so it judges the first tables alone. As of 0.1.3 it
  holds the absolute difference against a quantile of signed ones, which doubles its error.

The tables:

- published: seeds drawn with replacement from the residuals of a published run, in the arms of that
  run, so spreads, skew and correlation are real;
- normal: independent, standard deviations up to 5 times apart;
- skewed: published residuals, each arm scaled to standard deviations up to 5 times apart.

Family-wise error is the share of tables without any difference in which one is found; coverage the
share in which all intervals hold their differences; power the share of differences that are found
where every arm differs from the baseline by `EFFECT` standard deviations of a difference.
"""

import argparse
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from adastop import MultipleAgentsComparator
from scipy import stats

from ablate.analysis.findings import comparable
from ablate.results.csv import read_trials
from ablate.results.names import STUDY, TRIALS
from ablate.results.outcomes import by_seed
from ablate.results.published import published_root
from ablate.statistics import family
from ablate.study.file import read_study_file

Array = npt.NDArray[np.float64]
SEEDS = (4, 5, 6, 8, 10, 20)
COMPARISONS = (1, 2, 3, 6)
EFFECT = 1.5
APART = 5.0
LEVEL = 0.95
FEWEST = 10  # seeds of a run whose residuals are drawn from
MOST_EXACT = 10  # seeds whose 2^n signs are all tried
SIGNS = 4_999  # random ones for more
PERMUTATIONS = 1_000  # of AdaStop, where there are more
GUARD = 1e-9


@dataclass(frozen=True)
class Judged:
    """What a method made of one table: of nothing, and of known differences.

    Args:
        alarms: which comparisons it finds where nothing differs.
        found: which it finds where all differ.
        covered: whether all intervals hold the differences; None without intervals.
    """

    alarms: npt.NDArray[np.bool_]
    found: npt.NDArray[np.bool_]
    covered: bool | None


Method = Callable[[Array, Array], Judged]


def ours(values: Array, truth: Array) -> Judged:
    """`family.compare`. An interval that misses is a false alarm if the difference were zero."""
    arms = len(truth)
    rows = np.hstack([-np.ones((arms, 1)), np.eye(arms)])
    there = family.compare(values + np.append(0, truth), rows, LEVEL).comparisons
    missed = np.array(
        [not one.low <= true <= one.high for one, true in zip(there, truth, strict=True)]
    )
    found = np.array([one.p <= 1 - LEVEL for one in there])
    return Judged(missed, found, not missed.any())


def holm(values: Array, truth: Array) -> Judged:
    """Paired sign-flip tests, adjusted by Holm; the interval is of what they would not reject."""
    nothing = _sign_p(_differences(values))
    there = _sign_p(_differences(values) + truth)
    return Judged(
        _holm(nothing) <= 1 - LEVEL + GUARD,
        _holm(there) <= 1 - LEVEL + GUARD,
        bool(np.min(nothing) * len(truth) > 1 - LEVEL + GUARD),
    )


def max_t(values: Array, truth: Array) -> Judged:
    """The exact distribution of the largest studentised difference over all signs."""
    nothing = _max_t_p(_differences(values)) <= 1 - LEVEL + GUARD
    there = _max_t_p(_differences(values) + truth) <= 1 - LEVEL + GUARD
    return Judged(nothing, there, not nothing.any())


def adastop(values: Array, truth: Array) -> Judged:
    """AdaStop with all seeds at its only look."""
    return Judged(_adastop(values), _adastop(values + np.append(0, truth)), None)


METHODS: dict[str, Method] = {"ours": ours, "Holm": holm, "max-t": max_t, "AdaStop": adastop}


def _differences(values: Array) -> Array:
    differences: Array = values[:, 1:] - values[:, :1]
    return differences


@functools.lru_cache
def _signs(seeds: int) -> Array:
    """Signs, shape (choices, seeds): all of them, or the table's own and many at random."""
    if seeds <= MOST_EXACT:
        return np.array(list(itertools.product((1.0, -1.0), repeat=seeds)))
    signs = np.random.default_rng(0).choice((1.0, -1.0), (SIGNS + 1, seeds))
    signs[0] = 1
    return signs


def _sign_p(differences: Array) -> Array:
    sums = np.abs(_signs(len(differences)) @ differences)
    close = GUARD * np.abs(differences).sum(axis=0)
    p: Array = np.mean(sums >= np.abs(differences.sum(axis=0)) - close, axis=0)
    return p


def _holm(p: Array) -> Array:
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    return adjusted


def _max_t_p(differences: Array) -> Array:
    n = len(differences)
    means = _signs(n) @ differences / n
    left = np.maximum((differences**2).mean(axis=0) - means**2, 0)  # signs leave squares alone
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(means == 0, 0.0, np.abs(means) / np.sqrt(left / (n - 1)))
    largest = t.max(axis=1)
    first = t[0]
    return np.array([np.mean(largest >= one * (1 - GUARD)) for one in first])


def _adastop(values: Array) -> npt.NDArray[np.bool_]:
    seeds, arms = values.shape
    pairs = np.array([(0, arm) for arm in range(1, arms)])
    comparator = MultipleAgentsComparator(
        n=seeds, K=1, B=PERMUTATIONS, comparisons=pairs, alpha=1 - LEVEL, seed=0
    )
    comparator.partial_compare({str(arm): values[:, arm] for arm in range(arms)}, verbose=False)
    return np.array([comparator.decisions[str(pair)] != "equal" for pair in pairs])


def residuals() -> list[Array]:
    """Residuals of the published runs with seeds enough, shape (seeds, cells) each."""
    found = []
    for path in sorted(published_root().glob(f"*/*/{TRIALS}")):
        if not path.with_name(STUDY).exists():
            continue
        trials, _ = comparable(read_study_file(path.with_name(STUDY)), read_trials(path))
        table = by_seed(trials).dropna().to_numpy()
        if len(table) >= FEWEST and table.shape[1] > 1:
            found.append(table - table.mean(axis=0))
    return found


def tables(
    kind: str, seeds: int, comparisons: int, count: int, runs: Sequence[Array]
) -> Iterator[tuple[Array, Array]]:
    """Tables without differences, shape (seeds, 1 + comparisons), each with those to be added."""
    kinds = ("published", "normal", "skewed")
    rng = np.random.default_rng([kinds.index(kind), seeds, comparisons])
    wide = [run for run in runs if run.shape[1] > comparisons]
    for _ in range(count):
        scales = rng.permutation(np.geomspace(1, APART, comparisons + 1))
        if kind == "normal":
            values = rng.standard_normal((seeds, comparisons + 1)) * scales
            spreads = np.hypot(scales[1:], scales[0])
        else:
            run = wide[rng.integers(len(wide))]
            arms = run[:, rng.permutation(run.shape[1])[: comparisons + 1]]
            arms = arms / arms.std(axis=0) * scales if kind == "skewed" else arms
            values = arms[rng.integers(len(arms), size=seeds)]
            spreads = _differences(arms).std(axis=0)
        yield values, EFFECT * spreads * rng.choice((-1.0, 1.0), comparisons)


def measure(
    kind: str, method: str, seeds: int, comparisons: int, count: int, runs: Sequence[Array]
) -> dict[str, object]:
    """One row: a method's errors and finds over `count` tables of one kind."""
    judged = [
        METHODS[method](values, truth)
        for values, truth in tables(kind, seeds, comparisons, count, runs)
    ]
    wrong = sum(bool(one.alarms.any()) for one in judged)
    held = [one.covered for one in judged if one.covered is not None]
    return {
        "tables": kind,
        "method": method,
        "seeds": seeds,
        "comparisons": comparisons,
        "count": count,
        "error": wrong / count,
        "error_at_most": upper(wrong, count),
        "coverage": sum(held) / count if held else math.nan,
        "power": float(np.mean([one.found for one in judged])),
    }


def upper(events: int, count: int) -> float:
    """The rate that so few events leave possible, at 95% (Clopper & Pearson 1934)."""
    return float(stats.beta.ppf(0.95, events + 1, count - events)) if events < count else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=1_000, help="of each kind and size")
    parser.add_argument("--adastop", type=int, default=100, help="tables that AdaStop judges")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--kinds", nargs="+", default=["published", "normal", "skewed"])
    parser.add_argument("--out", type=Path, help="a CSV file for the rows")
    arguments = parser.parse_args()
    runs = residuals()
    rows = []
    for kind, method in itertools.product(arguments.kinds, arguments.methods):
        count = arguments.adastop if method == "AdaStop" else arguments.tables
        for seeds, comparisons in itertools.product(SEEDS, COMPARISONS):
            rows.append(measure(kind, method, seeds, comparisons, count, runs))
        table = pd.DataFrame(rows)
        if arguments.out:
            table.to_csv(arguments.out, index=False)
        own = table[(table["tables"] == kind) & (table["method"] == method)]
        print(f"\n{kind}, {method}, {count} tables each; in percent", flush=True)
        wrong = round(float((own["error"] * own["count"]).sum()))
        every = int(own["count"].sum())
        print(f"error over all {every}: {100 * wrong / every:.1f}, at most ", end="")
        print(f"{100 * upper(wrong, every):.1f}", flush=True)
        for name in ("error", "error_at_most", "coverage", "power"):
            wide = 100 * own.pivot(index="comparisons", columns="seeds", values=name)
            print(f"\n{name}\n{wide.to_string(float_format='{:.1f}'.format)}", flush=True)


if __name__ == "__main__":
    main()
