"""How the numbers of an outcome are written: with as many decimals as they are worth."""

import math
from collections.abc import Iterable

from ablate.analysis import wording
from ablate.tables.arms.compare import Judged

DIGITS = 3
SMALL, LARGE = 1e-4, 1e7  # beyond, numbers are written with powers of ten


def forms(judged: Judged) -> tuple[str, str]:
    """The formats of a mean and of a difference.

    Of points one decimal, or two where an interval is narrow; of other units `DIGITS` digits, or
    more where an interval is narrow.
    """
    table = judged.table
    limits = table[["diff_low", "diff_high"]].to_numpy(dtype=float).ravel()
    widths = [*(table["high"] - table["low"]), *(table["diff_high"] - table["diff_low"])]
    narrow = min((width for width in widths if width > 0), default=math.inf)
    if judged.repeats.points:
        least = 2 if narrow < 0.5 else 1
        decimals = wording.decimals_to_tell(least, limits, [0.0])
        return f"z.{decimals}f", f"+z.{decimals}f"
    largest = float(table["mean"].abs().max())
    if largest >= LARGE or 0 < largest < SMALL:
        return ".4g", "+.3g"
    decimals = max(_decimals(largest, DIGITS), _decimals(narrow, 2))
    decimals = max(decimals, wording.decimals_to_tell(decimals, limits, [0.0]))
    return f"z.{decimals}f", f"+z.{decimals}f"


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many digits of a number; none for zero and infinity."""
    if not 0 < value < math.inf:
        return 0
    return min(8, max(0, digits - 1 - math.floor(math.log10(value))))


def size(judged: Judged, value: float) -> str:
    """A difference without its sign and unit, as a sentence has it: "1.2"."""
    if not judged.repeats.points:
        return f"{abs(value):.{DIGITS}g}"
    return f"{abs(value):.1f}" if abs(value) >= 0.095 else f"{abs(value):.2f}"


def effect(judged: Judged, estimate: float, limits: Iterable[float]) -> str:
    """A difference with its interval and unit: "+1.2 points [0.3, 2.1]"."""
    low, high = limits
    _, form = forms(judged)
    text = wording.interval_text(estimate, low, high, form)
    return text.replace(" [", f"{judged.repeats.unit} [") if "[" in text else text


def anything(judged: Judged, low: float, high: float) -> str:
    """What a difference may be, as a clause: "may be anything from -1.2 to +0.3 points"."""
    _, form = forms(judged)
    return f"may be anything from {low:{form}} to {high:{form}}{judged.repeats.unit}"
