"""The page of a description of groups: answer, predictions, every group, what was read."""

from collections.abc import Sequence

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import Verdict
from ablate.analysis.verdicts.listing import joined
from ablate.report.html.page import Answer, Page, Picture, Section, Statement, Table
from ablate.report.tables.shapes_page import command, source_section
from ablate.report.verdict_file import prose
from ablate.tables.describe import FEWEST, Described
from ablate.tables.describe_verdict import form_of, mean_text, networks, unlike
from ablate.tables.file import TableFile

OVER = (
    "A description: nothing was trained or fitted, and the groups were not made by chance, so that "
    "what else differs between them is not held fixed. The intervals are over networks: what "
    "others, chosen as these were, would have given. The networks themselves are in the table that "
    "is named below; here are their numbers together."
)


def page_of(
    name: str,
    file: TableFile,
    source: pd.DataFrame,
    found: Described,
    judged: pd.DataFrame,
    verdict: Verdict,
    pictures: Sequence[Picture],
) -> Page:
    """The page of a study of kind `table` that describes groups.

    Args:
        name: of the study.
        file: its file.
        source: one row: what was read.
        found: what it shows; `judged` and `verdict`, what follows.
        pictures: its figures; the first shows the answer.
    """
    return Page(
        title=f"{name}: {source.iloc[0]['file']}",
        question=file.question,
        answer=Answer(
            word=verdict.word,
            label=verdict.label,
            sentence=verdict.sentence,
            numbers=verdict.numbers,
            caveat=verdict.caveat,
            settle=verdict.settle,
            picture=pictures[0] if pictures else None,
        ),
        sections=(
            *_predictions(judged, verdict),
            _groups(found, file),
            source_section(file, source),
            Section(heading="Reproduce", anchor="reproduce", code=command(name, file)),
        ),
        footer="Made by ablate from the table that is named above, which is not part of it.",
    )


def _predictions(judged: pd.DataFrame, verdict: Verdict) -> list[Section]:
    rows = {row["name"]: row for row in judged.to_dict("records")}
    statements = tuple(
        Statement(
            mark=said.mark,
            text=rows[said.name]["says"],
            sentence=said.sentence,
            numbers=f"n = {wording.plural(said.n, 'network')}.",
        )
        for said in verdict.predictions
    )
    if not statements:
        return []
    how = "Each is judged by intervals that hold for all means of the study at once."
    return [
        Section(
            heading="What was predicted",
            anchor="predictions",
            paragraphs=(how,),
            statements=statements,
        )
    ]


def _groups(found: Described, file: TableFile) -> Section:
    rows = []
    for row in found.known.to_dict("records"):
        form = form_of([row["mean"]])
        rows.append(
            {
                "what": row["outcome"],
                "group": row["group"],
                "networks": str(row["networks"]),
                "mean": mean_text(row, file),
                "for all at once": wording.limits_text(row["all_low"], row["all_high"], form),
                "least": f"{row['least']:{form}}",
                "quartiles": ", ".join(
                    f"{row[one]:{form}}" for one in ("lower", "median", "upper")
                ),
                "greatest": f"{row['greatest']:{form}}",
                "no interval": row["why"] or "-",
            }
        )
    nothing = unlike(found)
    left_out = f" Without any number: {joined(list(nothing))}." if nothing else ""
    table = Table(
        caption="Each group of networks",
        frame=pd.DataFrame(rows),
        note="95% intervals of means over networks: BCa bootstrap, or Student's t below six; for "
        "all at once: wider, so that all means of the study hold together (Bonferroni). A group of "
        f"fewer than {FEWEST} networks, or of networks that are all alike, has none."
        f"{left_out}",
    )
    return Section(heading="The groups", anchor="groups", paragraphs=(OVER,), tables=(table,))


def markdown(found: Described, file: TableFile) -> list[str]:
    """The groups as a table in Markdown, its lines."""
    return [
        "| what | group | networks | mean [95% interval] | least to greatest |",
        "| :-- | :-- | --: | --: | --: |",
        *(
            f"| {prose(row['outcome'])} | {prose(row['group'])} | {row['networks']} | "
            f"{mean_text(row, file)} | {row['least']:{form_of([row['mean']])}} to "
            f"{row['greatest']:{form_of([row['mean']])}} |"
            for row in found.known.to_dict("records")
        ),
    ]


def facts(found: Described) -> list[str]:
    """How many networks there are, a few words each."""
    known = found.known
    groups = wording.plural(known["group"].nunique(), "group")
    nothing = unlike(found)
    return [
        f"{wording.plural(networks(known), 'network')} in {groups}",
        *([f"without a number: {', '.join(nothing)}"] if nothing else []),
    ]
