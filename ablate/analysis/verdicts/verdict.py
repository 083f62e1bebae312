"""The answer to a study's question: yes, no or open, in one sentence, with its caveat."""

from collections import Counter
from collections.abc import Sequence

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.answer import (
    MOST_WORDS,
    SHAPES,
    UNASKED,
    Said,
    Verdict,
    reply,
    whole,
)
from ablate.analysis.verdicts.caveats import caveat
from ablate.analysis.verdicts.clauses import Clause, better, clause_of, effects, named
from ablate.analysis.verdicts.names import Names, names_of, sentence
from ablate.analysis.verdicts.settling import settling
from ablate.statistics.family import MIN_SEEDS


def prediction_lines(found: Findings, verdict: Verdict) -> list[str]:
    """Each prediction with what became of it, as lines to print; the statistics below it."""
    rows = {row["name"]: row for row in found.hypotheses.to_dict("records")}
    lines = []
    for said in verdict.predictions:
        row = rows[said.name]
        lines += [
            f"{SHAPES[said.mark]} {said.mark}: {row['says']}",
            f"    {said.sentence}",
            f"    {row['sentence']}",
        ]
    return lines


def verdict_of(found: Findings) -> Verdict:
    """The verdict on a run's question.

    The predictions that answer it decide: yes where all of them come out so, no where all do; with
    one of them open, it is open as a whole. Where the study file states none, nothing answers yes
    or no, and the sentence says what stands out.

    Args:
        found: what the run shows.
    """
    names = names_of(found)
    clauses = {name: clause_of(name, found, names) for name in found.file.hypotheses}
    answering = {name: clauses[name] for name in names.answers}
    if answering:
        replies = [
            # A growth that is as good as the best need not be the only one.
            reply(own.mark, names.answers[name], found.file.hypotheses[name].optimum is None)
            for name, own in answering.items()
        ]
        word, label = whole(replies)
        parts = list(answering.values())
        text = _sentence(found, names)
    else:
        word, label = "open", UNASKED
        parts = [_standing_out(found, names)]
        plain = _standing_out(found, names.plain())
        ways = [(_held(found) + parts[0].text, names), (parts[0].text, names)]
        ways += [(plain.text, names.plain()), (plain.short or plain.text, names.plain())]
        text = _shortest(ways)
    return Verdict(
        word=word,
        label=label,
        sentence=text,
        effects=tuple(dict.fromkeys((own.what, own.effect) for own in parts)),
        n=min(own.n for own in parts),
        unit=found.unit,
        caveat=caveat(found, names, parts),
        settle=settling(found, clauses, list(answering), word != "open"),
        figure=_figure(found, list(answering)),
        predictions=tuple(
            Said(
                name=name,
                mark=own.mark,
                sentence=sentence(own.text, names),
                what=own.what,
                effect=own.effect,
                n=own.n,
            )
            for name, own in clauses.items()
        ),
    )


def _sentence(found: Findings, names: Names) -> str:
    """What the answering predictions found: the fullest wording that is short enough."""

    def clauses(own: Names) -> list[Clause]:
        return [clause_of(name, found, own) for name in names.answers]

    def short(several: Sequence[Clause]) -> str:
        return "; ".join(own.short or own.text for own in several)

    full, plain, held = clauses(names), clauses(names.plain()), _held(found)
    texts = "; ".join(own.text for own in full)
    ways = [(held + texts, names), (texts, names)]
    first = "; ".join([full[0].text, *(own.short or own.text for own in full[1:])])
    ways += [(held + first, names), (first, names)]
    ways += [(held + short(full), names), (short(full), names), (short(plain), names.plain())]
    if len(full) > 1:
        counts = Counter(own.mark for own in full[1:])
        others = ", ".join(f"{number} {mark}" for mark, number in counts.items())
        rest = f"; of {wording.plural(len(full) - 1, 'more prediction')} {others}"
        ways += [(full[0].text + rest, names), (plain[0].text + rest, names.plain())]
        ways += [((plain[0].short or plain[0].text) + rest, names.plain())]
    else:
        ways += [(plain[0].short or plain[0].text, names.plain())]
    return _shortest(ways)


def _shortest(ways: Sequence[tuple[str, Names]]) -> str:
    """The first clause that has few words enough, as a sentence; the last where none has."""
    short = (way for way in ways if len(way[0].split()) <= MOST_WORDS)
    return sentence(*next(short, ways[-1]))


def _held(found: Findings) -> str:
    match = found.trials["match"].dropna()
    return "" if match.empty else f"at equal {wording.MEASURES[str(match.iloc[0])]}, "


def _standing_out(found: Findings, names: Names) -> Clause:
    """Of a study without predictions: which arms beat the baseline or lost to it."""
    table, base = found.summary.table, found.file.baseline
    own = table[table["cell"] == base].iloc[0]
    known = table[table["n"] >= MIN_SEEDS]
    n = int(known["n"].min()) if len(known) else int(own["n"])
    mean = wording.percents(table[table["cell"] == base][["mean", "low", "high"]], ".1f")[0]
    mean = mean.replace(" [", "% [") if "[" in mean else f"{mean}%"

    def clause(
        text: str, what: str = "", effect: str = "", cells: Sequence[str] = (), short: str = ""
    ) -> Clause:
        return Clause(
            mark="open",
            text=text,
            what=what or f"accuracy of {names.cells[base]}",
            effect=effect or mean,
            n=n,
            cells=tuple(cells) or tuple(map(str, table["cell"])),
            short=short,
        )

    if own["n"] == 0:
        return clause(f"{names.cells[base]} has no complete trial", effect="-")
    if own["n"] < MIN_SEEDS or len(known) < 2:
        few = f", with {n} of at least {MIN_SEEDS} {found.unit}s" if n < MIN_SEEDS else ""
        return clause(f"{names.cells[base]} reached {100 * own['mean']:.1f}%{few}")
    for finding, verb in (("higher", "beat"), ("lower", "lost to")):
        rows = table[table["finding"] == finding].to_dict("records")
        if rows:
            other = names.cells[base]
            text = better(rows, names, other, verb)
            cells = [*(str(row["cell"]) for row in rows), base]
            many = f"{len(rows)} of {len(table) - 1} arms {verb} {other}"
            return clause(text, f"{named(rows, names)} minus {other}", effects(rows), cells, many)
    others = known[known["cell"] != base]
    if (others["finding"] == "equivalent").all():
        margin = wording.margin_text(found.file.margin)
        return clause(f"every arm was within {margin} of {names.cells[base]}")
    return clause(f"no arm differed clearly from {names.cells[base]}")


def _figure(found: Findings, answering: Sequence[str]) -> str:
    """The figure that shows the answer."""
    asked = [found.file.hypotheses[name] for name in answering]
    arms = {cell for one in asked for cell in (*(one.higher or ()), *(one.equal or ()))}
    every = any(one.optimum is not None for one in found.file.hypotheses.values())
    if every and any(arms <= set(fit.points["cell"]) for fit in found.fits):
        return "growth"
    if any(one.rises is not None for one in asked):
        return "mechanism_by_stage"
    if any(one.interaction is not None for one in asked):
        return "interaction"
    return "accuracy"
