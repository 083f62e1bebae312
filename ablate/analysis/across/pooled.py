"""An effect that several runs share, pooled over their data sets where these are three or more."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.results.outcomes import by_seed
from ablate.statistics import family
from ablate.statistics.pooling import FEWEST, NotPooled, pool

LEVEL = 0.95
EFFECTS = (
    *("cell", "baseline", "run", "dataset", "n"),
    *("estimate", "low", "high", "standard_error", "degrees"),
)
POOLED = (
    *("cell", "baseline", "datasets", "n", "estimate", "low", "high"),
    *("tau", "i2", "q_p", "new_low", "new_high", "differs"),
)
OF_THE_DATA = ("image_size", "in_channels", "num_classes")  # fields of a network
SEPARATOR = "; "


@dataclass(frozen=True)
class Pools:
    """The effects that runs share, and their means over data sets.

    Args:
        effects: one row a difference of an arm from its run's baseline and a run: `cell`,
            `baseline`, `run`, `dataset`, `n` (the fewer seeds of the two), `estimate` as a
            fraction, `low` and `high` as the run's own page has them, `standard_error` with
            its `degrees` of freedom, by `statistics.family`.
        table: one row a difference that is pooled: `cell`, `baseline`, `datasets` and `n` (of
            each, joined by `SEPARATOR`), `estimate`, `low`, `high`, `tau`, `i2`, `q_p`,
            `new_low`, `new_high` of `pooling.Pooled`, as fractions, and `differs`: what of
            network and training is not the same in all runs, empty where nothing is.
        refusals: sentences that say what is not pooled, and why.
    """

    effects: pd.DataFrame
    table: pd.DataFrame
    refusals: tuple[str, ...]


def pool_runs(runs: dict[str, Findings]) -> Pools:
    """Pool each arm's difference from the baseline over the data sets of some runs.

    What counts as one difference: the name of the arm and that of the baseline. Runs of one data
    set with other schedules are one data set, and which of them should count is not ours to say.

    Args:
        runs: by name.
    """
    effects = pd.concat([_effects(name, found) for name, found in runs.items()], ignore_index=True)
    rows = []
    refused: dict[tuple[str, str], list[str]] = {}
    most = 0
    for (cell, baseline), shared in effects.groupby(["cell", "baseline"], sort=False):
        most = max(most, shared["dataset"].nunique())
        found = _pooled(shared)
        if isinstance(found, NotPooled):
            refused.setdefault((str(baseline), found.reason), []).append(str(cell))
        else:
            differs = _differs([runs[name] for name in shared["run"]], str(cell), str(baseline))
            rows.append(found | {"differs": ", ".join(differs)})
    return Pools(effects, pd.DataFrame(rows, columns=list(POOLED)), _refusals(refused, most))


def _effects(name: str, found: Findings) -> pd.DataFrame:
    """The differences of one run's arms from its baseline."""
    accuracies = by_seed(found.compared)
    table = {row["cell"]: row for row in found.summary.table.to_dict("records")}
    baseline = found.file.baseline
    counts = accuracies.notna().sum()
    known = [cell for cell in accuracies.columns if counts[cell] >= 2]
    if baseline not in known or len(known) < 2:
        return pd.DataFrame(columns=list(EFFECTS))
    arms = family.describe(accuracies[known].to_numpy(), [0] * len(known))
    rows = []
    for place, cell in enumerate(known):
        if cell == baseline:
            continue
        coefficients = np.zeros((1, len(known)))
        coefficients[0, place], coefficients[0, known.index(baseline)] = 1, -1
        own = table[cell]
        rows.append(
            {
                "cell": cell,
                "baseline": baseline,
                "run": name,
                "dataset": str(found.trials["dataset"].iloc[0]),
                "n": int(own["seeds"]),
                "estimate": float(own["diff"]),
                "low": float(own["diff_low"]),
                "high": float(own["diff_high"]),
                "standard_error": float(arms.errors(coefficients)[0]),
                "degrees": _degrees(arms, coefficients[0]),
            }
        )
    return pd.DataFrame(rows, columns=list(EFFECTS))


def _degrees(arms: family.Arms, coefficients: npt.NDArray[np.float64]) -> float:
    """Degrees of freedom of a difference's variance (Satterthwaite 1946, Biometrics Bulletin 2)."""
    variances = coefficients**2 * arms.spreads**2 / arms.counts
    squares = float((variances**2 / arms.freedom).sum())
    return float(variances.sum()) ** 2 / squares if squares > 0 else math.nan


def _pooled(shared: pd.DataFrame) -> dict[str, object] | NotPooled:
    """A row of the table, but for `differs`, of one difference in the runs that have it."""
    counts = shared["dataset"].value_counts(sort=False)
    if len(counts) < FEWEST:
        return NotPooled(f"in {wording.plural(len(counts), 'data set')}, of {FEWEST} needed")
    if counts.max() > 1:
        name = counts.idxmax()
        several = ", ".join(shared.loc[shared["dataset"] == name, "run"])
        return NotPooled(
            f"{name} has {counts.max()} runs ({several}), and another schedule is not another data "
            "set; compare one run of each"
        )
    found = pool(shared["estimate"], shared["standard_error"], shared["degrees"], LEVEL)
    if isinstance(found, NotPooled):
        return found
    return {
        "cell": shared["cell"].iloc[0],
        "baseline": shared["baseline"].iloc[0],
        "datasets": SEPARATOR.join(shared["dataset"]),
        "n": SEPARATOR.join(map(str, shared["n"])),
        "estimate": found.mean,
        "low": max(-1.0, found.low),
        "high": min(1.0, found.high),
        "tau": found.tau,
        "i2": found.i2,
        "q_p": found.q_p,
        "new_low": max(-1.0, found.new_low),
        "new_high": min(1.0, found.new_high),
    }


def _differs(runs: Sequence[Findings], cell: str, baseline: str) -> list[str]:
    """Fields of network and training that are not the same for an arm or the baseline in all."""
    designs = [
        [_design(found.trials[found.trials["cell"] == name]) for name in (cell, baseline)]
        for found in runs
    ]
    names = sorted({name for run in designs for design in run for name in design})
    return [
        name
        for name in names
        if len({tuple(design.get(name) for design in run) for run in designs}) > 1
    ]


def _design(rows: pd.DataFrame) -> dict[str, frozenset[str]]:
    """The values of each field in a cell's trials, as JSON; what follows from the data is left."""
    found: dict[str, set[str]] = {"held equal": set(rows["match"].fillna("").astype(str))}
    for text in rows["spec"].dropna():
        spec = json.loads(text)
        fields = {key: value for key, value in spec["net"].items() if key not in OF_THE_DATA}
        for key, value in (fields | spec["train"]).items():
            found.setdefault(key, set()).add(json.dumps(value))
    return {key: frozenset(values) for key, values in found.items()}


def _refusals(refused: dict[tuple[str, str], list[str]], most: int) -> tuple[str, ...]:
    if most < FEWEST:
        sets = wording.plural(most, "data set")
        return (
            f"Effects are not pooled: no difference from a baseline is in more than {sets}, and "
            f"pooling needs {FEWEST}, so {FEWEST - most} more.",
        )
    return tuple(
        f"Not pooled: {', '.join(cells)} against {baseline}: {reason}."
        for (baseline, reason), cells in refused.items()
    )


def heterogeneity(row: pd.Series, effects: pd.DataFrame) -> str:
    """How much a pooled effect differs between data sets, in a sentence.

    Args:
        row: of `Pools.table`.
        effects: `Pools.effects`.
    """
    shared = effects[(effects["cell"] == row["cell"]) & (effects["baseline"] == row["baseline"])]
    least, greatest = (shared.loc[shared["estimate"].agg(end)] for end in ("idxmin", "idxmax"))
    tau, i2 = f"tau = {100 * row['tau']:.1f} points", f"I2 = {100 * row['i2']:.3g}%"
    spread = f"{tau}, {i2}, {wording.p_text(row['q_p'])}"
    found = (
        f"the effect differs between data sets: {_points(least['estimate'])} on "
        f"{least['dataset']}, {_points(greatest['estimate'])} on {greatest['dataset']} ({spread})"
        if row["q_p"] <= 1 - LEVEL
        else f"no difference of the effect between data sets is shown ({spread}), "
        f"which {len(shared)} of them seldom show"
    )
    return (
        f"{row['cell']} against {row['baseline']}: {found}; in one more data set like these "
        f"it would lie between {_points(row['new_low'])} and {_points(row['new_high'])} points."
    )


def _points(fraction: float) -> str:
    return f"{100 * np.round(fraction, 6):+z.1f}"
