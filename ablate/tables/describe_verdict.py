"""What a description of groups answers: each prediction judged, and the answer in a sentence."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import MOST_WORDS, Said, Verdict, reply, whole
from ablate.analysis.verdicts.listing import joined
from ablate.tables.describe import ALIKE, FEW, FEWEST, Described
from ablate.tables.file import TableFile, TableHypothesis
from ablate.tables.replies import COLUMNS, answering, limit, of_all, sides

DIGITS = 3  # of a mean
Row = Mapping[Any, Any]


def judge(file: TableFile, found: Described) -> pd.DataFrame:
    """A verdict on each prediction, over all outcomes, and all groups that it is about.

    By the limits of the means that hold for all at once: supported where every mean is clearly on
    the predicted side, refuted where any is clearly on the other, else open. A mean without an
    interval is clearly on neither.

    Returns:
        One row a prediction, with `COLUMNS`: `groups` are means; `held` and `against` of them speak
        for and against it; `n` is the number of networks.
    """
    rows = []
    for name, asked in file.hypotheses.items():
        table = found.of(asked.of)
        held, against = sides(asked, table["all_low"], table["all_high"], file.margin)
        mark = of_all(held, against)
        counts = (len(table), int(held.sum()), int(against.sum()))
        rows.append((name, asked.says, asked.kind, mark, *counts, networks(table)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def networks(table: pd.DataFrame) -> int:
    """How many networks are behind some rows: of each group those of the outcome that most have."""
    return int(table.groupby("group")["networks"].max().sum()) if len(table) else 0


def form_of(values: Iterable[float]) -> str:
    """The format of numbers of this size: three digits of the largest."""
    largest = max((abs(value) for value in values if not math.isnan(value)), default=0.0)
    if largest == 0 or not 1e-4 <= largest < 1e7:
        return ".3g"
    return f",.{max(0, DIGITS - 1 - math.floor(math.log10(largest)))}f"


def of_unit(file: TableFile) -> str:
    """What follows a value."""
    return "%" if file.columns.points else ""


def mean_text(row: Row, file: TableFile) -> str:
    """A mean with its interval, if it has one."""
    form = form_of([row["mean"]])
    text = wording.interval_text(row["mean"], row["low"], row["high"], form)
    return text.replace(" [", f"{of_unit(file)} [") if "[" in text else f"{text}{of_unit(file)}"


def verdict_of(file: TableFile, found: Described, judged: pd.DataFrame) -> Verdict:
    """The answer to the study's question; it has the form of a trained study's."""
    rows = {row["name"]: row for row in judged.to_dict("records")}
    answers = answering(file)
    word, label = whole([reply(rows[name]["verdict"], one) for name, one in answers.items()])
    asked = {file.hypotheses[name].of for name in answers} or {None}
    known = found.known
    meant = known if None in asked else known[known["group"].isin([str(one) for one in asked])]
    assert file.describe is not None
    return Verdict(
        word=word,
        label=label,
        sentence=_sentence(found, meant, file),
        effects=tuple(
            (f"{row['outcome']} in {row['group']}", mean_text(row, file))
            for row in meant.to_dict("records")
        )
        or (("nothing", "-"),),
        n=networks(meant),
        unit="network",
        caveat=f"It says what people use, not what is best: {file.describe.chosen}.",
        settle="" if word != "open" else "To settle it: more networks that were chosen alike.",
        figure="means",
        predictions=tuple(
            Said(
                name=name,
                mark=rows[name]["verdict"],
                sentence=_became(one, found, rows[name], file),
                what="",
                effect="",
                n=rows[name]["n"],
            )
            for name, one in file.hypotheses.items()
        ),
    )


def _sentence(found: Described, meant: pd.DataFrame, file: TableFile) -> str:
    """The means: of all groups if there are words enough, else of those that are asked about."""
    if meant.empty:
        return "No network of the groups that are asked about has the number."
    first = found.outcomes[0]
    own = meant[meant["outcome"] == first]
    ways = [_averages(found.known[found.known["outcome"] == first], file)]
    if not own.empty:
        ways += [_averages(own, file), f"{own.iloc[0]['outcome']} averaged {_span(own, file)}"]
    text = next((way for way in ways if len(way.split()) <= MOST_WORDS), ways[-1])
    return f"{text[:1].upper()}{text[1:]}."


def _averages(table: pd.DataFrame, file: TableFile) -> str:
    """The means of an outcome; groups of the same together."""
    form = form_of(table["mean"])
    by: dict[str, list[str]] = {}
    for row in table.to_dict("records"):
        by.setdefault(f"{row['mean']:{form}}{of_unit(file)}", []).append(row["group"])
    parts = [f"{value} in {joined(groups)}" for value, groups in by.items()]
    several = any(len(groups) > 1 for groups in by.values())
    last = joined(parts) if not several or len(parts) == 1 else ", ".join(parts)
    return f"{table.iloc[0]['outcome']} averaged {last}"


def _span(table: pd.DataFrame, file: TableFile) -> str:
    form = form_of(table["mean"])
    least, most = f"{table['mean'].min():{form}}", f"{table['mean'].max():{form}}"
    return f"{least if least == most else f'{least} to {most}'}{of_unit(file)}"


def _became(asked: TableHypothesis, found: Described, row: Row, file: TableFile) -> str:
    """What became of a prediction."""
    table = found.of(asked.of)
    if table.empty:
        return f"No network of {asked.of} has the number."
    means = [
        f"{one['outcome']} averages {mean_text(one, file)}"
        f"{'' if asked.of else ' in ' + one['group']}{_lacking(one)}"
        for one in table.to_dict("records")
    ]
    side, beyond = limit(asked, file.margin)
    held, against = row["held"], row["against"]
    many = "all" if held == len(table) else held or "none"
    where = f"In {asked.of}, " if asked.of else ""
    text = (
        f"{where}{'; '.join(means)}. Of {wording.plural(len(table), 'mean')} {many} "
        f"{'is' if held == 1 else 'are'} clearly {side}, {against or 'none'} {beyond}."
    )
    return f"{text[:1].upper()}{text[1:]}"


def _lacking(row: Row) -> str:
    """That a mean has no interval, and why."""
    if row["why"] == ALIKE:
        return f" (all {row['networks']} alike, so without an interval)"
    if row["why"] == FEW:
        return f" (n = {row['networks']} of at least {FEWEST}, so without an interval)"
    return ""


def unlike(found: Described) -> Sequence[str]:
    """Groups in which no network has a number, with how many there are."""
    nothing = found.table.groupby("group", sort=False)["networks"].max() == 0
    counts = found.table.groupby("group", sort=False)["without"].max()
    return [f"{group} ({counts[group]})" for group in nothing.index[nothing]]
