"""Several runs side by side: other data, another machine, another budget."""

import itertools

import pandas as pd

from ablate.analysis.distributions import rank_correlation
from ablate.analysis.findings import Findings
from ablate.results.outcomes import by_seed

TIMED_ALIKE = ("device", "os", "dtype", "throughput_threads", "throughput_batch")


def differences(runs: dict[str, Findings]) -> pd.DataFrame:
    """The summaries of all runs in one table, with the columns `run` and `baseline` in front."""
    parts = []
    for name, found in runs.items():
        part = found.summary.table.copy()
        part.insert(0, "run", name)
        part.insert(1, "baseline", found.file.baseline)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def order(runs: dict[str, Findings]) -> pd.DataFrame:
    """Whether runs put their arms in one order: a row for each two that share three arms or more.

    Returns:
        `run`, `other`, `arms`, `n`, `n_other` (seeds), `rank_correlation` with `low` and `high`
        (see `distributions.rank_correlation`), `best`, `best_other`.
    """
    tables = {name: by_seed(found.compared) for name, found in runs.items()}
    rows = []
    for one, other in itertools.combinations(tables, 2):
        shared = [cell for cell in tables[one] if cell in tables[other]]
        first, second = (tables[name][shared].dropna() for name in (one, other))
        if len(shared) < 3 or first.empty or second.empty:
            continue
        rho = rank_correlation(first, second)
        rows.append(
            {
                "run": one,
                "other": other,
                "arms": len(shared),
                "n": len(first),
                "n_other": len(second),
                "rank_correlation": rho.mean,
                "low": rho.low,
                "high": rho.high,
                "best": first.mean().idxmax(),
                "best_other": second.mean().idxmax(),
            }
        )
    return pd.DataFrame(rows)


def why_not_timed(runs: dict[str, Findings]) -> str:
    """Why the throughputs of some runs cannot be compared; empty where they can.

    Images/s belong to the machine, its load, the threads and the batch.
    """
    for column in TIMED_ALIKE:
        values = {
            name: ", ".join(map(str, found.trials[column].dropna().unique()))
            for name, found in runs.items()
        }
        if len(set(values.values())) > 1:
            each = "; ".join(f"{name}: {value or 'none'}" for name, value in values.items())
            return f"Images/s are not compared, for the runs differ in {column} ({each})."
    off = [
        name for name, found in runs.items() if found.summary.table["throughput_control_off"].any()
    ]
    if off:
        return (
            "Images/s are not compared: the baseline timed against itself was not equal in "
            f"{', '.join(off)}."
        )
    return ""
