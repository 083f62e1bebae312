"""The answer to a study's question: yes, no or open, in one sentence, with its caveat."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.caveats import caveat
from ablate.analysis.verdicts.clauses import (
    Clause,
    Mark,
    better,
    clause_of,
    effects,
    named,
)
from ablate.analysis.verdicts.names import Names, Reply, names_of, sentence
from ablate.analysis.verdicts.settling import settling
from ablate.statistics.family import MIN_SEEDS

Word = Literal["yes", "no", "open"]
MOST_WORDS = 25  # of the sentence
LABELS: dict[Word, str] = {"yes": "Yes", "no": "No", "open": "Open"}
IN_PART, BOTH, UNASKED = "Open in part", "Yes and no", "No prediction"
SHAPES: dict[Mark, str] = {"supported": "[+]", "refuted": "[x]", "equivalent": "[=]", "open": "[ ]"}
OPPOSITE: dict[Reply, Reply] = {"yes": "no", "no": "yes"}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What became of a prediction, in plain words.

    Args:
        name: of the prediction.
        mark: its verdict; what is inconclusive is open.
        sentence: what was found.
        effect: with its interval and unit; `what` it is of, and `n` behind it.
    """

    name: str
    mark: Mark
    sentence: str
    what: str
    effect: str
    n: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer to a study's question. No p-value and no method's name stands in it.

    Args:
        word: which of three it is.
        label: the word as it reads; "Open in part" and "Yes and no" where parts of a question
            have answers of their own, "No prediction" where the study file states none.
        sentence: the answer, at most `MOST_WORDS` words, with the effect in points.
        effects: what there is to compare, and the effect with its interval; one or more.
        n: seeds behind it, or draws, as `unit` says.
        caveat: what speaks most against it.
        settle: what would settle what is open; empty where nothing is.
        figure: the name of the figure that shows it.
        predictions: what became of each.
    """

    word: Word
    label: str
    sentence: str
    effects: tuple[tuple[str, str], ...]
    n: int
    unit: str
    caveat: str
    settle: str
    figure: str
    predictions: tuple[Said, ...]

    @property
    def said(self) -> str:
        """Word and sentence."""
        return f"{self.label}: {self.sentence}"

    @property
    def numbers(self) -> str:
        """The effect with its interval and n, in a line."""
        behind = f"n = {wording.plural(self.n, self.unit)}"
        each = [f"{what} {effect}" for what, effect in self.effects if effect != "-"]
        several = "s" if "; ".join(each).count("[") > 1 else ""
        intervals = f"95% interval{several}, " if any("[" in one for one in each) else ""
        return f"{'; '.join(each)} ({intervals}{behind})" if each else behind

    @property
    def effect(self) -> str:
        """The effects with their intervals alone."""
        return "; ".join(dict.fromkeys(effect for _, effect in self.effects))

    def lines(self) -> list[str]:
        """All of it, as lines to print."""
        settle = [self.settle] if self.settle else []
        return [self.said, self.numbers, f"But: {self.caveat}", *settle]


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
        replies = [_reply(own.mark, found, name, names) for name, own in answering.items()]
        word, label = _word(replies)
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


def _reply(mark: Mark, found: Findings, name: str, names: Names) -> Word:
    """What a prediction answers."""
    holds = names.answers[name]
    if mark == "supported":
        return holds
    if mark == "refuted":
        return OPPOSITE[holds]
    # What was to be better is not; but what would have spoken against it is not shown either, and
    # a growth that is as good as the best need not be the only one.
    equal = mark == "equivalent" and found.file.hypotheses[name].optimum is None
    return "no" if equal and holds == "yes" else "open"


def _word(replies: Sequence[Word]) -> tuple[Word, str]:
    """The answer of several parts, and how it reads."""
    different = set(replies)
    if len(different) == 1:
        return replies[0], LABELS[replies[0]]
    return ("open", IN_PART) if "open" in different else ("no", BOTH)


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
