"""What a run says of itself: `summary.md` for a pull request, `verdict.csv` for the index."""

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.answer import Verdict
from ablate.report.look_sections import seed_facts
from ablate.report.verdict_file import BETWEEN, one_row, prose


def summary_markdown(found: Findings, verdict: Verdict) -> str:
    """The findings as Markdown: question, verdict, tables, and facts as a list at the end."""
    first = found.trials.iloc[0]
    parts = [
        f"# {first['study']} on {first['dataset']}",
        prose(_one_line(found.file.question)),
        f"**{verdict.label}:** {prose(verdict.sentence)}",
        *map(prose, verdict.lines()[1:]),
        wording.markdown_table(found.summary),
    ]
    if not found.hypotheses.empty:
        parts.append(wording.markdown_hypotheses(found.hypotheses))
    parts.append("\n".join(f"- {fact}" for fact in facts_of(found)) + "\n")
    return "\n\n".join(parts)


def verdict_table(found: Findings, verdict: Verdict) -> pd.DataFrame:
    """The verdict as a table of one row, with `COLUMNS`."""
    first = found.trials.iloc[0]
    return one_row(
        study=first["study"],
        dataset=first["dataset"],
        question=_one_line(found.file.question),
        word=verdict.word,
        label=verdict.label,
        sentence=verdict.sentence,
        effect=verdict.effect,
        n=str(verdict.n),
        caveat=verdict.caveat,
        settle=verdict.settle,
        facts=BETWEEN.join(facts_of(found)),
    )


def facts_of(found: Findings) -> list[str]:
    """How much was trained, what became of the predictions, on what; a few words each."""
    trials = found.trials
    counts = [
        wording.plural(len(found.summary.table), "arm"),
        wording.plural(found.compared["seed"].nunique(), found.unit),
        wording.plural(len(trials), "trial"),
    ]
    lost = (trials["state"] != "complete").sum()
    facts = [", ".join([*counts, *([f"{lost} without an accuracy"] if lost else [])])]
    if not found.hypotheses.empty:
        verdicts = found.hypotheses["verdict"].value_counts()
        each = ", ".join(f"{verdicts[name]} {name}" for name in sorted(verdicts.index))
        facts.append(f"predictions: {each}")
    devices = ", ".join(trials["device"].unique())
    return [
        *facts,
        *seed_facts(found),
        f"{devices}; {wording.range_of(trials['epochs'])} epochs, batch "
        f"{wording.range_of(trials['batch'])}",
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())
