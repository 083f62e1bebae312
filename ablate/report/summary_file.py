"""What a run says of itself: `summary.md` for a pull request, `verdict.csv` for the index."""

import html
import re
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.verdict import Verdict
from ablate.errors import InputError, looks_like_formula
from ablate.report.look_sections import seed_facts
from ablate.results.csv import read_table
from ablate.results.names import VERDICT

COLUMNS = (  # of verdict.csv, which has one row
    *("study", "dataset", "question", "word", "label", "sentence", "effect", "n"),
    *("caveat", "settle", "facts"),
)
BETWEEN = " | "  # facts


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


def prose(text: str) -> str:
    """Text as Markdown that reads as it is: nothing in it is markup."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(text, quote=False))


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


def one_row(**values: str) -> pd.DataFrame:
    """A table of one row with `COLUMNS`, empty where no value is given."""
    assert set(values) <= set(COLUMNS)
    return pd.DataFrame([{name: values.get(name, "") for name in COLUMNS}])


def read_verdict(folder: Path) -> dict[str, str]:
    """What the run in a folder has said, as `verdict_table` has it.

    Raises:
        InputError: it has said nothing yet, or what is there is not such a table.
    """
    path = folder / VERDICT
    try:
        table = read_table(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read; ablate report {folder} makes it anew") from error
    if tuple(table.columns) != COLUMNS or len(table) != 1:
        raise InputError(f"{path}: not a verdict; ablate report {folder} makes it anew")
    row = table.iloc[0]
    said = {name: "" if pd.isna(row[name]) else _as_written(str(row[name])) for name in COLUMNS}
    if said["word"] not in ("yes", "no", "open"):
        raise InputError(f"{path}: word = {said['word']!r}: expected yes, no or open")
    return said


def _as_written(text: str) -> str:
    """A cell without the mark that keeps a spreadsheet from running it."""
    return text[1:] if text.startswith("'") and looks_like_formula(text[1:]) else text


def facts_of(found: Findings) -> list[str]:
    """How much was trained, what became of the predictions, on what; a few words each."""
    trials, first = found.trials, found.trials.iloc[0]
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
        f"{devices}; {first['epochs']} epochs, batch {first['batch']}",
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())
