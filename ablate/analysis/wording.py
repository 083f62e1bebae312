"""A summary in words: the answer in sentences, and one table as plain text and as Markdown."""

import html
import itertools
import math
import textwrap
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ablate.errors import plural as plural  # it is used as one of these
from ablate.statistics.family import MIN_SEEDS

if TYPE_CHECKING:
    from ablate.analysis.summary import Summary

MOST_DECIMALS = 5
WORDS = ("arm", "finding")  # columns of words, which go to the left
WIDEST = 108  # characters of a line below a table
WIDE = (
    "Intervals, p and findings are over seeds: what another seed would give on these test images; "
    "'on images like these' is over seeds and test images: what others of their kind would give"
)
MEASURES = {
    "macs": "MACs",
    "params": "parameters",
    "activations": "activations",
    "latency": "latency",
}


def details(summary: "Summary") -> str:
    """Each arm against the baseline in sentences: points, intervals, p-values, seeds.

    Args:
        summary: as `summarise` makes it.
    """
    base = summary.table[summary.table["finding"] == "baseline"].iloc[0]
    others = summary.table[summary.table["finding"] != "baseline"]
    if base["n"] == 0:
        found = f"{base['cell']} has no complete trial, so nothing can be compared with it."
        return " ".join([found, *_lost(summary)])
    decimals = _decimals(summary)
    findings = [_finding(row, decimals, summary) for _, row in others.iterrows()]
    n = plural(base["n"], summary.unit)
    against = f"{base['cell']} ({100 * base['mean']:.{decimals}f}%, {n})"
    found = f"Against {against}, {_joined(findings)}." if findings else f"Only {against} was tried."
    return " ".join([found, *_joint(summary), *_elsewhere(summary), *_lost(summary)])


def _finding(row: pd.Series, decimals: int, summary: "Summary") -> str:
    """What is known of one cell against the baseline, as a clause."""
    lower = row["finding"] == "lower"
    limits = (-row["diff_high"], -row["diff_low"]) if lower else (row["diff_low"], row["diff_high"])
    size = abs(row["diff"]) if lower else row["diff"]
    points, low, high = (f"{100 * value:z.{decimals}f}" for value in (size, *limits))
    n = plural(row["seeds"], summary.unit)
    margin = margin_text(summary.margin)
    interval = f"{summary.level_name} interval {low} to {high}"
    if row["finding"] == "too few seeds":
        measured = f": {points} points, {interval}" if row["seeds"] >= 2 else ""
        return (
            f"{row['cell']} has too few {summary.unit}s to tell ({n}, {MIN_SEEDS} needed{measured})"
        )
    numbers = f"{interval}, {p_text(row['p'])}, {n}"
    if row["finding"] == "inconclusive":
        needed = row["seeds_needed"]
        shown = "no number" if pd.isna(needed) else str(needed)
        return (
            f"{row['cell']} is inconclusive at {points} points ({numbers}; {shown} would show "
            f"{margin})"
        )
    if row["finding"] == "equivalent":
        near, far = (f"{100 * row[name]:z.{decimals}f}" for name in ("equal_low", "equal_high"))
        return (
            f"{row['cell']} is within {margin} of it by two one-sided tests ({points} "
            f"points, {summary.equal_level_name} interval {near} to {far}, "
            f"{p_text(row['p_equal'])}, {n})"
        )
    return f"{row['cell']} is {points} points {row['finding']} ({numbers})"


def _joint(summary: "Summary") -> list[str]:
    """The sentence that says how several comparisons belong together."""
    if summary.together < 2:
        return []
    others = len(summary.table) - 1
    predicted = " with those of the predictions" if summary.together > others else ""
    return [
        f"The {summary.together} comparisons{predicted} hold together at {summary.level_name} "
        "(max-t, each arm with its own spread)."
    ]


def _elsewhere(summary: "Summary") -> list[str]:
    """The sentence that says where the interval over seeds and test images decides otherwise."""
    if not summary.wide:
        return []
    table = summary.table[summary.table["wide_p"].notna()]
    other = table[table["wide_finding"] != table["finding"]]
    decimals = _decimals(summary)
    found = [
        f"{row['cell']} is {row['wide_finding']} ("
        f"{limits_text(100 * row['wide_low'], 100 * row['wide_high'], f'z.{decimals}f')}, "
        f"{p_text(row['wide_p'])})"
        for _, row in other.iterrows()
    ]
    if not found:
        return ["On images like these, not these alone, all findings are the same."]
    return [f"On images like these, not these alone, {_joined(found)}."]


def markdown_hypotheses(table: pd.DataFrame) -> str:
    """Hypotheses and their verdicts in Markdown, as `hypotheses.judge` gives them."""
    lines = ["| stated before the run | verdict | numbers |", "| :-- | :-- | :-- |"]
    for row in table.to_dict("records"):
        cells = (str(row[name]) for name in ("says", "verdict", "sentence"))
        lines.append(f"| {' | '.join(map(escaped, cells))} |")
    return "\n".join(lines)


def p_text(p: float) -> str:
    """A p-value as `p = 0.004`, or `p < 0.001`; with digits enough to tell it from 0.05."""
    digits = next((n for n in (2, 3, 4) if (float(f"{p:.{n}g}") <= 0.05) == (p <= 0.05)), 5)
    return "p < 0.001" if p < 0.001 else f"p = {p:.{digits}g}"


def _lost(summary: "Summary") -> list[str]:
    """The sentence that says which trials have no accuracy."""
    lost = [
        f"{summary.table[state].sum()} {state}"
        for state in ("diverged", "failed")
        if summary.table[state].sum() > 0
    ]
    return [f"Trials without an accuracy: {_joined(lost)}."] if lost else []


def _joined(parts: list[str]) -> str:
    """Parts as a list in a sentence; semicolons, as a part may hold commas."""
    return "; ".join([*parts[:-2], " and ".join(parts[-2:])])


def seeds(least: int, most: int) -> str:
    """The number of seeds behind values, a range where some have fewer."""
    return f"n = {least}" if least == most else f"n = {least} to {most}"


def text_table(summary: "Summary") -> str:
    """The summary as aligned plain text, one line a cell, and a line that says how to read it.

    Args:
        summary: as `summarise` makes it.
    """
    table = display(summary)
    lines = [list(table.columns), *table.to_numpy().tolist()]
    return "\n".join([*aligned(lines, WORDS), "", *_wrapped(legend(summary))])


def aligned(lines: Sequence[Sequence[str]], words: Container[str]) -> list[str]:
    """Columns two spaces apart, to the right unless their heading is among `words`.

    Args:
        lines: the first holds the headings; all are of one length.
        words: headings of columns that go to the left.
    """
    left = [heading in words for heading in lines[0]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for to_left, cell, width in zip(left, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def markdown_table(summary: "Summary") -> str:
    """The same table as `text_table`, in Markdown.

    Args:
        summary: as `summarise` makes it.
    """
    table = display(summary)
    rule = [":--" if name in WORDS else "--:" for name in table.columns]
    lines = [list(table.columns), rule, *table.map(escaped).to_numpy().tolist()]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*text, "", *(f"- {one}" for one in legend(summary))])


def display(summary: "Summary") -> pd.DataFrame:
    """What the tables print: one row a cell, all text.

    Counts that say nothing new, such as no failures, are left out.

    Args:
        summary: as `summarise` makes it.
    """
    decimals = _decimals(summary)
    columns: dict[str, list[str]] = {"arm": list(summary.table["cell"])}
    columns["n"] = [str(n) for n in summary.table["n"]]
    for state in ("diverged", "failed"):
        if summary.table[state].sum() > 0:
            columns[state] = [str(count) for count in summary.table[state]]
    columns[f"{summary.outcome_name} %"] = percents(
        summary.table[["mean", "low", "high"]], f"z.{decimals}f"
    )
    columns["difference, points"] = percents(
        summary.table[["diff", "diff_low", "diff_high"]], f"+z.{decimals}f"
    )
    if summary.wide:
        limits = 100 * summary.table[["wide_low", "wide_high"]].astype(float)
        columns["on images like these"] = [
            limits_text(low, high, f"+z.{decimals}f") for low, high in limits.to_numpy().tolist()
        ]
    columns["p"] = [
        "-" if math.isnan(p) else p_text(p)[1:].removeprefix(" = ").strip()
        for p in summary.table["p"]
    ]
    columns["finding"] = list(summary.table["finding"])
    columns["params"] = [si(value) for value in summary.table["params"]]
    columns["MACs"] = [si(value) for value in summary.table["macs"]]
    columns["images/s"] = [
        "-" if math.isnan(rate) else f"{si(rate)} ({si(spread)})"
        for rate, spread in zip(
            summary.table["infer_images_per_s"],
            summary.table["infer_images_per_s_iqr"],
            strict=True,
        )
    ]
    return pd.DataFrame(columns, dtype=object)


def margin_text(margin: float) -> str:
    """A margin (a fraction) in points: `0.5 points`, `1 point`."""
    return plural(f"{100 * margin:g}", "point")


def percents(fractions: pd.DataFrame, form: str) -> list[str]:
    """Fractions (mean, low, high) of each row as percent, with their interval."""
    rows = (100 * fractions.to_numpy(dtype=float)).tolist()
    return [interval_text(mean, low, high, form) for mean, low, high in rows]


def interval_text(mean: float, low: float, high: float, form: str) -> str:
    """`mean [low, high]`; less where some are missing (NaN), `-` where all are."""
    if math.isnan(mean):
        return "-"
    if math.isnan(low):
        return f"{mean:{form}}"
    return f"{mean:{form}} [{low:{form}}, {high:{form}}]"


def limits_text(low: float, high: float, form: str) -> str:
    """`[low, high]`, or `-` where there are none (NaN)."""
    return "-" if math.isnan(low) else f"[{low:{form}}, {high:{form}}]"


def _wrapped(sentences: Sequence[str]) -> list[str]:
    return [line for sentence in sentences for line in textwrap.wrap(sentence, WIDEST)]


def legend(summary: "Summary", columns: Container[str] | None = None) -> list[str]:
    """How to read the tables' brackets and columns, a sentence each.

    Args:
        summary: as `summarise` makes it.
        columns: those of the table, as `display` names them; all if None.
    """

    def any_of(*names: str) -> bool:
        return columns is None or any(name in columns for name in names)

    together = f"all {summary.together} comparisons" if summary.together > 1 else "the comparison"
    predicted = ", predictions included" if summary.together > len(summary.table) - 1 else ""
    sentences = []
    if any_of(f"{summary.outcome_name} %", "difference, points"):
        sentences.append(
            f"[{summary.level_name} intervals: of means, BCa bootstrap, Student's t for too few "
            f"{summary.unit}s; of differences, max-t of {together}{predicted}, each arm with its "
            "own spread]"
        )
    if any_of("p", "finding"):
        sentences.append(
            "p: of no difference, from the same distribution; equivalent: the "
            f"{summary.equal_level_name} interval is within {margin_text(summary.margin)} (two "
            "one-sided tests)"
        )
    macs, rates = any_of("MACs"), any_of("images/s")
    counted = ["MACs of convolutions and linear layers for one image"] if macs else []
    counted += ["images/s of inference, median and interquartile range"] if rates else []
    if counted:
        sentences.append("; ".join(counted))
    if summary.wide and any_of("on images like these"):
        sentences.append(WIDE)
    if rates and summary.table["throughput_control_off"].any():
        sentences.append(
            "Do not compare the images/s: the baseline timed against itself was not equal, as "
            "when something else runs on the machine"
        )
    return sentences


def _decimals(summary: "Summary") -> int:
    """Decimals that accuracies are worth: two where an interval is narrow.

    A limit that is not zero is not to be printed as one.
    """
    table = summary.table
    spans = pd.concat([table["high"] - table["low"], table["diff_high"] - table["diff_low"]])
    names = ["diff_low", "diff_high"]
    names += ["wide_low", "wide_high"] if summary.wide else []
    least = 2 if (100 * spans).min() < 0.5 else 1
    return decimals_to_tell(least, (100 * table[names].to_numpy(dtype=float)).ravel(), [0.0])


def decimals_to_tell(least: int, limits: Iterable[float], bounds: Iterable[float]) -> int:
    """Decimals at which no limit is printed as a bound that it is not; at most `MOST_DECIMALS`."""
    pairs = [
        (limit, bound)
        for limit, bound in itertools.product(limits, list(bounds))
        if math.isfinite(limit) and math.isfinite(bound) and limit != bound
    ]
    return next(
        (
            decimals
            for decimals in range(least, MOST_DECIMALS)
            if all(f"{limit:z.{decimals}f}" != f"{bound:z.{decimals}f}" for limit, bound in pairs)
        ),
        MOST_DECIMALS,
    )


def escaped(cell: str) -> str:
    """A cell of a Markdown table that reads as it is."""
    return html.escape(cell, quote=False).replace("|", "\\|")


def range_of(values: "pd.Series[int]") -> str:
    """Whole numbers: the one that all are, or the least and the greatest."""
    least, most = values.min(), values.max()
    return f"{least}" if least == most else f"{least} to {most}"


def si(value: float) -> str:
    """A count in three digits at most: 950, 175k, 2.1M, 1.25G; `-` for NaN."""
    if math.isnan(value):
        return "-"
    rounded = float(f"{value:.3g}")
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= size:
            return f"{rounded / size:.3g}{letter}"
    return f"{rounded:.3g}"
