"""What a table of run times answers: each prediction judged, and the answer in a sentence."""

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import MOST_WORDS, Said, Verdict, reply, whole
from ablate.analysis.verdicts.listing import joined
from ablate.tables.file import TableFile, TableHypothesis
from ablate.tables.power import EVERY, FEWEST, Powers, kinds_of, of_kind
from ablate.tables.replies import COLUMNS, answering, limit, of_all, sides

KEEPS = "the growth that keeps a layer's run time equal is"


def judge(file: TableFile, powers: Powers) -> pd.DataFrame:
    """A verdict on each prediction, over all groups that it is about.

    By the limits of the power law's growth that hold for all groups at once. A group speaks for
    `above` where its interval is above the growth that was predicted, and against it where it is
    below; `below` likewise. It speaks for `near` where its interval is within the margin, and
    against it where it is wholly outside. What the sum of terms says must lie on the same side:
    where the fits disagree, a group speaks for neither. A prediction is supported where every group
    speaks for it, refuted where any speaks against it, and else open.

    Returns:
        One row a prediction: `COLUMNS`; `held` and `against` are the numbers of groups that speak
        for and against it; `n` is the number of the networks.
    """
    found = []
    for name, asked in file.hypotheses.items():
        held, against = _counts(asked, of_kind(powers, asked.of), file.margin)
        found.append(
            (
                name,
                asked.says,
                asked.kind,
                of_all(held, against),
                len(held),
                int(held.sum()),
                int(against.sum()),
                powers.networks.get(asked.of, 0),
            )
        )
    return pd.DataFrame(found, columns=list(COLUMNS))


def _counts(
    asked: TableHypothesis, table: pd.DataFrame, margin: float
) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """Which groups speak for a prediction, and which against it."""
    low = table[["all_low", "sum_growth"]].min(axis=1, skipna=False)
    high = table[["all_high", "sum_growth"]].max(axis=1, skipna=False)
    return sides(asked, low, high, margin)


def verdict_of(file: TableFile, powers: Powers, judged: pd.DataFrame) -> Verdict:
    """The answer to the study's question; it has the form of a trained study's."""
    rows = {row["name"]: row for row in judged.to_dict("records")}
    answers = answering(file)
    word, label = whole([reply(rows[name]["verdict"], one) for name, one in answers.items()])
    return Verdict(
        word=word,
        label=label,
        sentence=_sentence(powers),
        effects=tuple(effect for kind in kinds_of(powers) for effect in _effects(powers, kind)),
        n=powers.networks[None],
        unit="network",
        caveat=_caveat(powers, file, list(answers)),
        settle="" if word != "open" else "To settle it: layers timed by themselves.",
        figure="growth",
        predictions=tuple(
            Said(
                name=name,
                mark=rows[name]["verdict"],
                sentence=_became(asked, powers, rows[name]["held"], rows[name]["against"], file),
                what="",
                effect="",
                n=powers.networks.get(asked.of, 0),
            )
            for name, asked in file.hypotheses.items()
        ),
    )


def span(table: pd.DataFrame, column: str, form: str = ".1f") -> str:
    """The least and the greatest of a column, in words."""
    least, most = f"{table[column].min():{form}}", f"{table[column].max():{form}}"
    return least if least == most else f"{least} to {most}"


def _sentence(powers: Powers) -> str:
    """The growths of each kind."""
    kinds = kinds_of(powers)
    parts = [
        span(of_kind(powers, kind), "growth") + (f" on {kind}" if kind != EVERY else "")
        for kind in kinds
    ]
    text = f"{KEEPS} {joined(parts)}"
    if len(text.split()) > MOST_WORDS:
        text = f"{KEEPS} {span(powers.table, 'growth')}"
    return f"{text[:1].upper()}{text[1:]}."


def _effects(powers: Powers, kind: str) -> list[tuple[str, str]]:
    """The least and the greatest growth of a kind, each with its interval and its group."""
    table = of_kind(powers, kind).sort_values("growth", kind="stable")
    ends = [table.iloc[0]] if len(table) == 1 else [table.iloc[0], table.iloc[-1]]
    return [
        (
            one["group"].replace(", ", " ") or "growth",
            wording.interval_text(one["growth"], one["low"], one["high"], ".2f"),
        )
        for one in ends
    ]


def _became(
    asked: TableHypothesis, powers: Powers, held: int, against: int, file: TableFile
) -> str:
    """What became of a prediction."""
    table = of_kind(powers, asked.of)
    if table.empty:
        return f"No group of {asked.of} has the {FEWEST} networks that a fit needs."
    where = f"On {asked.of} it" if asked.of else "It"
    side, beyond = limit(asked, file.margin)
    many = "all" if held == len(table) else held or "none"
    return (
        f"{where} is {span(table, 'growth')}: {many} of {wording.plural(len(table), 'group')} "
        f"{'is' if held == 1 else 'are'} clearly {side}, {against or 'none'} {beyond}. A sum of "
        f"terms puts it at {span(table, 'sum_growth')}, families each with a level of its own at "
        f"{span(table, 'within')}."
    )


def _caveat(powers: Powers, file: TableFile, names: list[str]) -> str:
    """What speaks most against the answer."""
    kinds = {file.hypotheses[name].of for name in names}
    kind = kinds.pop() if len(kinds) == 1 else None
    table = of_kind(powers, kind)
    if table.empty:
        return f"No group of {kind} has the {FEWEST} networks that a fit needs."
    better = int((table["sum_cv_error"] < table["cv_error"]).sum())
    on = f" on {kind}" if kind else ""
    first = "Whole networks were timed, not layers."
    if 2 * better > len(table):
        return (
            f"A sum of terms, which tells unseen families better in {better} of {len(table)} "
            f"groups, puts it at {span(table, 'sum_growth')}{on}. {first}"
        )
    return f"{first} Within families it is {span(table, 'within')}{on}."
