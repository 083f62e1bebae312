"""The generated parts of README and docs: `python tests/pages.py` writes them, a test compares.

A part stands between a mark, such as `<!-- found: RUN PREDICTION -->`, and the next
`<!-- end -->`: on lines of its own, or within a sentence. `MARKS` has the function of each.
"""

import json
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.across import comparison
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.report import neighbours
from ablate.report.claims.figure import growth_table, macs_by_growth
from ablate.report.verdict_file import read_verdict
from ablate.results.csv import read_table
from ablate.results.dictionary import TABLES
from ablate.results.drawn import DRAWN
from ablate.results.names import JUDGED, REPORT, SOURCE, TRIALS
from ablate.tables.dictionary import COLUMNS as TABLE_COLUMNS
from support.found import found_in

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))
PUBLISHED = ROOT / "results" / "published"
BAR = r"\|"  # in a cell
PART = re.compile(
    r"(<!-- (?P<name>\w+)(?:: (?P<words>[^>]+))? -->)(?P<line>\n?).*?<!-- end -->", re.S
)


def rendered(text: str) -> str:
    """A page with every generated part made anew from the code and the committed tables."""

    def made(part: re.Match[str]) -> str:
        value = MARKS[part["name"]](*shlex.split(part["words"] or ""))
        return f"{part[1]}{part['line']}{value}{part['line']}<!-- end -->"

    return PART.sub(made, text)


def by_hand(text: str) -> str:
    """What of a page is written by hand: without its generated parts, and without code."""
    text = PART.sub("", text)
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)


def _found(run: str) -> Findings:
    return found_in(Path(run).relative_to("results/published").as_posix())


def columns(table: str = "trials") -> str:
    """What each column of a table, or of the values behind a figure, holds.

    Args:
        table: of `dictionary.TABLES` or `drawn.DRAWN`.
    """
    about = {**TABLES, **DRAWN}[table]
    rows = [f"| `{column}` | {text.replace('|', BAR)} |" for column, text in about.items()]
    return "\n".join(["| column | what it holds |", "| --- | --- |", *rows])


def verdicts(base: str = "") -> str:
    """The verdict of every published run, in the order in which they are read.

    Args:
        base: what leads from the page to the root of the checkout, such as `../`.
    """
    rows = []
    for folder in neighbours.in_order(PUBLISHED):
        if not (folder / TRIALS).exists():  # claims
            continue
        verdict = verdict_of(_found(folder.relative_to(ROOT).as_posix()))
        page = (folder / REPORT).relative_to(ROOT).as_posix()
        question = " ".join(_found(folder.relative_to(ROOT).as_posix()).file.question.split())
        cells = (
            f"[{folder.parent.name}]({base}{page}), {folder.name}: {question}",
            f"**{verdict.label}.** {verdict.sentence}",
            verdict.effect,
            wording.plural(verdict.n, verdict.unit),
        )
        rows.append(f"| {' | '.join(cells)} |")
    head = [
        "| study, data set: question | answer | effect, 95% intervals | n |",
        "| :-- | :-- | :-- | :-- |",
    ]
    return "\n".join([*head, *rows])


def answer(run: str) -> str:
    """The verdict of a run as the terminal and its page begin with it."""
    verdict = verdict_of(_found(run))
    first, *others = verdict.lines()
    lines = [first.replace(verdict.label, f"**{verdict.label}**", 1), *others]
    return "\n>\n".join(f"> {line}" for line in lines)


def table(run: str) -> str:
    """The summary of a committed run, from its trials."""
    return wording.markdown_table(_found(run).summary)


@cache
def _hypotheses(run: str) -> pd.DataFrame:
    return _found(run).hypotheses.set_index("name")


def found(run: str, name: str) -> str:
    """The numbers of one prediction of a committed run, for the middle of a sentence."""
    row = _hypotheses(run).loc[name]
    if row["kind"] == "interaction":
        return f"{wording.p_text(row['p'])}, n = {row['n']}"
    scale, unit = (1, "") if row["kind"] == "optimum" else (100, " points")
    values = [scale * row[column] for column in ("estimate", "low", "high")]
    form = ".2f" if row["kind"] == "optimum" else "+z.1f"
    return f"{wording.interval_text(*values, form).replace(' [', f'{unit} [')}, n = {row['n']}"


def rise(run: str, name: str) -> str:
    """The numbers of a prediction about another column than an accuracy, in that column's unit."""
    row = _hypotheses(run).loc[name]
    numbers = wording.interval_text(row["estimate"], row["low"], row["high"], "+.2f")
    return f"{numbers}, n = {row['n']}"


def arm(run: str, cell: str) -> str:
    """How far an arm of a committed run is from its baseline, for the middle of a sentence."""
    row = _found(run).summary.table.set_index("cell").loc[cell]
    values = [100 * row[column] for column in ("diff", "diff_low", "diff_high")]
    return (
        f"{wording.interval_text(*values, '+z.1f').replace(' [', ' points [')}, n = {row['seeds']}"
    )


def best(run: str) -> str:
    """The tested growths that may each be the best of a committed run."""
    (fit,) = _found(run).fits
    *names, last = (name.removeprefix("r = ") for name in fit.best_arms)
    return f"{', '.join(names)} or {last}" if names else last


def order(one: str, other: str) -> str:
    """How far two committed runs put their arms in one order."""
    (row,) = comparison.order({run: _found(run) for run in (one, other)}).to_dict("records")
    limits = (row[name] for name in ("rank_correlation", "low", "high"))
    return f"{wording.interval_text(*limits, '.2f')}, n = {row['n']} and {row['n_other']}"


def times(run: str, column: str, cell: str, other: str) -> str:
    """How many times what one cell costs another one does, counted."""
    costs = _found(run).trials.groupby("cell")[column].agg(["min", "max"])
    assert (costs["min"] == costs["max"]).all(), f"{column} is not one number for each cell"
    return f"{costs['min'][cell] / costs['min'][other]:.2g} times"


def mean(run: str, column: str, cell: str) -> str:
    """The mean of an accuracy over a cell's trials, and their number."""
    trials = _found(run).trials
    values = trials.loc[(trials["cell"] == cell) & (trials["state"] == "complete"), column]
    return f"{100 * values.mean():.1f}%, n = {len(values)}"


def rows(table: str) -> str:
    """The number of rows of a committed table."""
    return f"{len(pd.read_csv(ROOT / table)):,}"


def tables(base: str = "") -> str:
    """What the tables that others measured answer, from the committed verdicts."""
    rows = []
    for folder in neighbours.in_order(PUBLISHED):
        if not any((folder / name).exists() for name in (SOURCE, JUDGED)):
            continue
        said = read_verdict(folder)
        page = (folder / REPORT).relative_to(ROOT).as_posix()
        cells = (
            f"[{folder.parent.name}]({base}{page}): {said['question']}",
            f"**{said['label']}.** {said['sentence']} But: {said['caveat']}",
            f"{said['n']} {'networks' if (folder / SOURCE).exists() else 'seeds'}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(["| study: question | answer | n |", "| :-- | :-- | --: |", *rows])


def left(table: str) -> str:
    """What each column holds of a table that a study of kind `table` leaves."""
    rows = [f"| `{name}` | {about} |" for name, about in TABLE_COLUMNS[table].items()]
    return "\n".join(["| column | what it holds |", "| --- | --- |", *rows])


def noise(run: str, arm: str) -> str:
    """How far single runs of an arm of a table scatter: their standard deviation."""
    row = read_table(ROOT / run / "summary.csv").set_index("arm").loc[arm]
    return f"{row['deviation']:.2f} points, n = {row['n']}"


def standing(run: str, outcome: str) -> str:
    """The place of the network that a study names, among all of its cost."""
    table = pd.read_csv(ROOT / run / "standing.csv").set_index("outcome")
    return f"{table.loc[outcome, 'better'] + 1} of {table.loc[outcome, 'n'] + 1:,}"


def contrast(run: str, name: str, outcome: str, at: str) -> str:
    """A difference of two growths at a budget, for the middle of a sentence."""
    table = read_table(ROOT / run / "contrasts.csv")
    chosen = (table["hypothesis"] == name) & (table["outcome"] == outcome)
    (row,) = table[chosen & (table["at"] == float(at))].to_dict("records")
    limits = (row[key] for key in ("estimate", "low", "high"))
    numbers = wording.interval_text(*limits, "+z.1f").replace(" [", " points [")
    fits = read_table(ROOT / run / "fits.csv").set_index("outcome")
    return f"{numbers}, n = {fits.loc[outcome, 'n']} networks"


def peak(run: str, outcome: str, at: str) -> str:
    """The best growth of a table of networks at a budget."""
    table = read_table(ROOT / run / "best.csv")
    chosen = (table["outcome"] == outcome) & (table["at"] == float(at))
    (row,) = table[chosen].to_dict("records")
    return wording.interval_text(row["best"], row["low"], row["high"], ".2f")


def group(run: str, outcome: str, name: str) -> str:
    """The mean of a number in a group of networks that a table describes."""
    table = read_table(ROOT / run / "groups.csv")
    (row,) = table[(table["outcome"] == outcome) & (table["group"] == name)].to_dict("records")
    numbers = wording.interval_text(row["mean"], row["low"], row["high"], ".2f")
    return f"{numbers}, n = {row['networks']} networks"


def costs() -> str:
    """What each stage of a small network costs at growths 1, 2 and 3: counted."""
    made = growth_table(macs_by_growth().data)
    lines = [list(made), [":--"] * len(made.columns), *made.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


LOOPS = {
    "usual, 0 workers": "the usual loop: DataLoader, PIL, `.item()` each step; 0 workers",
    "usual, 2 workers": "the same, 2 workers",
    "Lightning, 0 workers": "Lightning's Trainer, 0 workers",
    "Lightning, 2 workers": "the same, 2 workers",
    "timm, 0 workers": "timm's loader and optimizer, 0 workers",
    "timm, 2 workers": "the same, 2 workers",
    "bare": "a bare forward, backward, step loop with its batches ready in memory",
    "ours again": "itself, as a control",
}


def loops() -> str:
    """How fast the training loop is against others, from the committed measurement."""
    kept = json.loads((PUBLISHED / "bench" / "loops.json").read_text(encoding="utf-8"))
    assert kept["ratios"].keys() == LOOPS.keys()
    matmul = "the fastest float32 matrix product of the machine, arithmetic alone"
    ratios = [(LOOPS[name], kept["ratios"][name]) for name in LOOPS] + [(matmul, kept["share"])]
    rows = [
        f"| {name} | {wording.interval_text(ratio['value'], ratio['low'], ratio['high'], '.2f')} |"
        for name, ratio in ratios
    ]
    settings = kept["settings"]
    head = f"| our training loop against | ratio, n = {settings['rounds']} rounds |"
    return "\n".join([head, "| :-- | :-- |", *rows])


MARKS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        *(columns, verdicts, answer, table, found, rise, arm, best, order, times, mean, rows),
        *(costs, loops, tables, left, noise, standing, contrast, peak, group),
    )
}

if __name__ == "__main__":
    for path in PAGES:
        path.write_text(rendered(path.read_text(encoding="utf-8")), encoding="utf-8")
