"""`summary.md`, what a run says of itself: for a pull request, and for the index of all runs."""

from pathlib import Path
from typing import NamedTuple

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.errors import InputError
from ablate.report.look_sections import seed_facts
from ablate.results.names import MARKDOWN


class Said(NamedTuple):
    """What the index shows of a run.

    Args:
        question, answer: in words.
        facts: short ones: how much was trained, what became of the predictions, on what.
    """

    question: str
    answer: str
    facts: tuple[str, ...]


def summary_markdown(found: Findings) -> str:
    """The findings as Markdown: question, answer, tables, and facts as a list at the end."""
    first = found.trials.iloc[0]
    parts = [
        f"# {first['study']} on {first['dataset']}",
        _one_line(found.file.question),
        _one_line(found.answer),
        wording.markdown_table(found.summary),
    ]
    if not found.hypotheses.empty:
        parts.append(wording.markdown_hypotheses(found.hypotheses))
    parts.append("\n".join(f"- {fact}" for fact in _facts(found)) + "\n")
    return "\n\n".join(parts)


def read_summary(folder: Path) -> Said:
    """What the run in a folder has said.

    Raises:
        InputError: it has said nothing yet, or what is there is not as `summary_markdown` writes.
    """
    path = folder / MARKDOWN
    try:
        parts = path.read_text(encoding="utf-8").strip().split("\n\n")
        title, question, answer, *_, facts = parts
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as a summary; ablate report {folder} makes it anew"
        ) from error
    lines = facts.split("\n")
    if not title.startswith("# ") or not all(line.startswith("- ") for line in lines):
        raise InputError(f"{path}: not a summary; ablate report {folder} makes it anew")
    return Said(question, answer, tuple(line.removeprefix("- ") for line in lines))


def _facts(found: Findings) -> list[str]:
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
