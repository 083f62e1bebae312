"""How often the interval of the best growth holds it: `python -m benchmarks.optimum --tables 400`.

Tables are made of curves that are known: shapes, and the means of published runs with PCHIP
through them. To these are added residuals of published runs, whole seeds drawn with replacement.
Of each table is asked where accuracy is highest, what growth 2 gives away and which arms may be
best. The polynomial in log2 r that was used before (parabola or, where that misfits, cubic; seeds
resampled, an arm left out) stands beside it.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from scipy.interpolate import PchipInterpolator

from ablate.analysis.growth import groups, growth_of
from ablate.results.csv import read_trials
from ablate.results.outcomes import by_seed
from ablate.statistics.intervals import bootstrap_tail
from ablate.statistics.optimum import optimum

PUBLISHED = Path(__file__).parent.parent / "results" / "published"
RUNS = (
    "width_iso_macs/digits",
    "width_iso_params/digits",
    "width_iso_activations/digits",
    "growth_placement/digits",
    "width_iso_macs/folder-cifar10-jpeg",
    "width_iso_macs/fashion_mnist",
    "width_iso_params/folder-cifar10-jpeg",
)
RESIDUALS = "width_iso_params/digits"  # of the shapes
TESTED = np.log2([0.5, 1, 1.41, 2, 2.5, 3, 4])
BOTH_BEAT_2 = PchipInterpolator(TESTED, 0.01 * np.array([-2, -0.5, 0.5, 0, 0.5, -0.2, -0.6]))
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "saturating": lambda x: -0.02 * np.exp(-1.5 * (x + 1)),
    "asymmetric, best at 2": lambda x: -0.01 * np.where(x < 1, 0.4, 2.5) * (x - 1) ** 2,
    "kink at 2": lambda x: -0.01 * np.abs(x - 1),
    "flat": lambda x: 0 * x,
    "parabola, best at 1.7": lambda x: -0.01 * (x - np.log2(1.7)) ** 2,
    "rising to the end": lambda x: 0.007 * x,
    "1.41 and 2.5 beat 2 by 0.5": BOTH_BEAT_2,
}
SEEDS = (8, 20)
MARGIN = 0.005


def setting(name: str) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Where arms are (log2), the true curve, and residuals (seeds, arms) of unbiased spread."""
    if name in SHAPES:
        x, truth, values = TESTED, SHAPES[name], published(RESIDUALS)[1]
    else:
        x, values = published(name)
        truth = PchipInterpolator(x, values.mean(axis=0))
    residuals = (values - values.mean(axis=0)) * np.sqrt(len(values) / (len(values) - 1))
    return x, truth, residuals


@cache
def published(run: str) -> tuple[np.ndarray, np.ndarray]:
    _, rows = next(groups(read_trials(PUBLISHED / run / "trials.csv")))
    growths = rows.drop_duplicates("cell").set_index("cell")["widths"].map(growth_of).sort_values()
    table = by_seed(rows, "test_accuracy")[list(growths.index)].dropna()
    return np.log2(growths.to_numpy(float)), table.to_numpy(float)


def simulate(name: str, seeds: int, tables: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng([seed, seeds, *name.encode()])
    x, truth, residuals = setting(name)
    fine = np.union1d(np.linspace(x[0], x[-1], 20_001), np.append(x, 1.0))
    height = truth(fine)
    highest = fine[height >= height.max() - 1e-12]
    lost = height.max() - float(truth(np.array([1.0]))[0])
    best = truth(x) >= truth(x).max() - 1e-12
    found = []
    for _ in range(tables):
        values = truth(x) + residuals[rng.integers(0, len(residuals), seeds)]
        one = optimum(2**x, values, 2.0)
        may_be = one.arms.may_be
        low, high = np.log2([one.best.low, one.best.high])
        supported = not one.excluded and set(np.flatnonzero(may_be)) <= set(one.tested)
        place, given = polynomial(x, values, rng)
        found.append(
            {
                "r*": holds(low, highest, high),
                "given away": one.lost.low - 1e-9 <= lost <= one.lost.high + 1e-9,
                "best arm": np.mean(may_be[best]),
                "arms": may_be.sum(),
                "octaves": high - low,
                "points": 100 * (one.lost.high - one.lost.low),
                "refuted": one.excluded,
                "supported": supported,
                "equivalent": not one.excluded and not supported and one.lost.high < MARGIN,
                "misfit": one.misfit_p < 0.05,
                "polynomial r*": holds(place[0], highest, place[1]),
                "polynomial given away": given[0] - 1e-9 <= lost <= given[1] + 1e-9,
            }
        )
    means = pd.DataFrame(found).astype(float).mean()
    return {"curve": name, "n": seeds, "tables": tables, **means}


def holds(low: float, places: np.ndarray, high: float) -> bool:
    return bool(((places >= low - 1e-6) & (places <= high + 1e-6)).any())


def polynomial(
    x: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The 95% intervals, as they were, of r* (log2) and of what growth 2 gives away."""
    degree = 3 if misfit_p(x, y) < 0.05 else 2
    means = y[rng.integers(0, len(y), (1999, len(y)))].mean(axis=1)
    peaks, lost = np.empty(len(means)), np.empty(len(means))
    for number, left_out in enumerate((None, *range(len(x)))):
        mine = slice(number, None, len(x) + 1)
        kept = np.arange(len(x)) != left_out
        grid = np.linspace(x[kept].min(), x[kept].max(), 201)
        fitted = means[mine][:, kept] @ np.linalg.pinv(np.vander(x[kept], degree + 1)).T
        curves = fitted @ np.vander(grid, degree + 1).T
        peaks[mine] = grid[curves.argmax(axis=1)]
        lost[mine] = curves.max(axis=1) - fitted @ np.vander([1.0], degree + 1)[0]
    tail = bootstrap_tail(len(y))
    cuts = [tail, 1 - tail]
    return np.quantile(peaks, cuts), np.quantile(np.maximum(lost, 0), cuts)


def misfit_p(x: np.ndarray, y: np.ndarray) -> float:
    """Of an F-test that a parabola passes through the means, seeds as blocks."""
    seeds, arms = y.shape
    means = y.mean(axis=0)
    off = means - np.polyval(np.polyfit(x, means, 2), x)
    noise = y - means - y.mean(axis=1, keepdims=True) + y.mean()
    freedom = (seeds - 1) * (arms - 1)
    ratio = (seeds * (off**2).sum() / (arms - 3)) / ((noise**2).sum() / freedom)
    return float(stats.f.sf(ratio, arms - 3, freedom))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=400, help="for each curve and n")
    parser.add_argument("--seed", type=int, default=0, help="of the tables")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="a CSV file")
    args = parser.parse_args()
    names, seeds = zip(*product((*SHAPES, *RUNS), SEEDS), strict=True)
    each = [[value] * len(names) for value in (args.tables, args.seed)]
    rows = []
    with ProcessPoolExecutor(args.jobs) as pool:
        for row in pool.map(simulate, names, seeds, *each):
            rows.append(row)
            text = pd.DataFrame([row]).round(3).to_string(index=False, col_space=[35] + [7] * 14)
            print(text if len(rows) == 1 else text.splitlines()[1], flush=True)
    table = pd.DataFrame(rows)
    if args.out:
        table.round(4).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
