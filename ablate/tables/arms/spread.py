"""Where the rows of each arm lie, in a few numbers: for rows that are not kept, nor shown."""

import numpy as np
import pandas as pd

from ablate.tables.arms.repeats import ARM, OUTCOME, Repeats

FEWEST = 20  # rows of an arm: of fewer, such numbers would be the rows themselves
PERCENTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


def spread_of(repeats: Repeats) -> pd.DataFrame:
    """One row an arm, in the table's order: `arm`, and `PERCENTILES` of its outcomes.

    They are missing of arms with fewer than `FEWEST` rows.
    """
    rows = []
    for arm, values in repeats.frame.groupby(ARM, sort=False, observed=True)[OUTCOME]:
        found = np.quantile(values.to_numpy(dtype=float), list(PERCENTILES.values()))
        few = len(values) < FEWEST
        rows.append(
            {"arm": str(arm)}
            | {
                name: np.nan if few else float(value)
                for name, value in zip(PERCENTILES, found, strict=True)
            }
        )
    return pd.DataFrame(rows, columns=["arm", *PERCENTILES])
