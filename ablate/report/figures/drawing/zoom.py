"""Whether some arms lie so far below the others that those need a panel of their own."""

import numpy as np
import pandas as pd

FEWEST = 2  # arms that are worth a view of their own
SQUASHED = 0.2  # of an axis: with less, arms cannot be told apart


def upper_group(table: pd.DataFrame) -> tuple[float, float] | None:
    """The range of the upper arms, where a gap parts them from the rest and squashes them.

    Args:
        table: `mean`, `low`, `high` of each arm; limits may be NaN, and so may all three.

    Returns:
        From the lowest limit of these arms to the highest. None unless the widest gap between
        intervals is wider than all these arms together, and they have less than `SQUASHED` of
        the whole range.
    """
    arms = table.dropna(subset="mean").sort_values("mean")
    middle = arms["mean"].to_numpy(dtype=float)
    low, high = (
        np.where(np.isnan(limit), middle, limit)
        for limit in (arms[name].to_numpy(dtype=float) for name in ("low", "high"))
    )
    splits = range(1, len(arms) - FEWEST + 1)
    if not splits:
        return None
    gap, split = max((low[place:].min() - high[:place].max(), place) for place in splits)
    least, most = float(low[split:].min()), float(high[split:].max())
    squashed = most - least < SQUASHED * (high.max() - low.min())
    return (least, most) if squashed and gap > most - least else None


def view(group: tuple[float, float], least: float, greatest: float) -> tuple[float, float]:
    """Limits of an axis around a group, within what its values can be."""
    low, high = group
    margin = 0.2 * (high - low) or 0.01 * (greatest - least)
    return max(least, low - margin), min(greatest, high + margin)
