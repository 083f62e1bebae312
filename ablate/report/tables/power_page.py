"""The page of a table of run times: answer, predictions, growths, fits and their tests."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import Verdict
from ablate.report.html.page import Answer, Page, Picture, Section, Statement, Table
from ablate.report.tables.shapes_page import command, source_section
from ablate.report.verdict_file import prose
from ablate.tables.file import TableFile
from ablate.tables.power import FEWEST, Powers

WHY = (
    "Where the feature map halves in both directions and the width grows by r, a layer's MACs go "
    "with r^2 / 4 and its activations with r / 4. If time goes as MACs^a activations^b, a layer's "
    "time is kept where (r^2 / 4)^a (r / 4)^b = 1, which is r = 2^(2 (a + b) / (2 a + b)): 2 where "
    "MACs alone make the time, 4 where activations alone do.",
    "What stands against it: whole networks were timed, of many families, not layers. Their MACs "
    "and activations go together, so that the two exponents are known less well than their sum. "
    "Kernels differ between kinds of convolution, and large networks were timed in smaller "
    "batches. Each family with a level of its own is what single families say of themselves.",
)


def page_of(
    name: str,
    file: TableFile,
    source: pd.DataFrame,
    powers: Powers,
    judged: pd.DataFrame,
    verdict: Verdict,
    pictures: Sequence[Picture],
) -> Page:
    """The page of a study of kind `table` that fits run times.

    Args:
        name: of the study.
        file: its file.
        source: one row: what was read.
        powers: what it shows; `judged` and `verdict`, what follows.
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
            _predictions(judged, verdict),
            _growths(powers),
            _fits(powers),
            _sums(powers),
            source_section(file, source),
            Section(heading="Reproduce", anchor="reproduce", code=command(name, file)),
        ),
        footer="Made by ablate from the table that is named above, which is not part of it.",
    )


def _predictions(judged: pd.DataFrame, verdict: Verdict) -> Section:
    rows = {row["name"]: row for row in judged.to_dict("records")}
    return Section(
        heading="What was predicted",
        anchor="predictions",
        paragraphs=(
            "Each is judged by the power law, with intervals that hold for all groups at once; "
            "what the sum of terms says must lie on the same side.",
        ),
        statements=tuple(
            Statement(
                mark=said.mark,
                text=rows[said.name]["says"],
                sentence=said.sentence,
                numbers=f"n = {wording.plural(said.n, 'network')}.",
            )
            for said in verdict.predictions
        ),
    )


def _group(row: dict[Any, Any]) -> str:
    return str(row["group"]) or "all rows"


def _limits(row: dict[Any, Any], name: str, low: str, high: str) -> str:
    return wording.interval_text(row[name], row[low], row[high], ".2f")


def _growths(powers: Powers) -> Section:
    frame = pd.DataFrame(
        [
            {
                "group": _group(row),
                "growth": _limits(row, "growth", "low", "high"),
                "for all at once": wording.limits_text(row["all_low"], row["all_high"], ".2f"),
                "over families": wording.limits_text(
                    row["families_low"], row["families_high"], ".2f"
                ),
                "family levels": _limits(row, "within", "within_low", "within_high"),
                "sum of terms": _limits(row, "sum_growth", "sum_low", "sum_high"),
            }
            for row in powers.table.to_dict("records")
        ]
    )
    few = ""
    if powers.few:
        few = f" Left out, with fewer than {FEWEST} networks: {'; '.join(powers.few)}."
    table = Table(
        caption="The growth that keeps a layer's run time equal, with 95% intervals",
        frame=frame,
        note="Intervals are over networks, each drawn with all of its rows; over families, whole "
        "families are drawn. Family levels: the power law with a level for each family. Sum of "
        f"terms: at the share of the time that MACs have in the median network.{few}",
    )
    return Section(
        heading="Growth at equal run time", anchor="growths", paragraphs=WHY, tables=(table,)
    )


def _fits(powers: Powers) -> Section:
    frame = pd.DataFrame(
        [
            {
                "group": _group(row),
                "rows": row["rows"],
                "networks": row["networks"],
                "families": row["families"],
                "MACs' exponent": _limits(row, "macs", "macs_low", "macs_high"),
                "activations' exponent": _limits(
                    row, "activations", "activations_low", "activations_high"
                ),
                "R2": f"{row['r2']:.3f}",
                "R2, unseen": f"{row['cv_r2']:.3f}",
                "error": f"{row['cv_error']:.2f}",
                "of the sum": f"{row['sum_cv_error']:.2f}",
                "of MACs alone": f"{row['macs_cv_error']:.2f}",
            }
            for row in powers.table.to_dict("records")
        ]
    )
    table = Table(
        caption="Time as a product of powers, and how well it tells families that it has not seen",
        frame=frame,
        note="Errors: root mean square of the difference of natural logarithms in families left "
        "out, so that 0.2 is some 20%; of the power law, of the sum of terms, and of a power of "
        "MACs alone. R2 is of the logarithm of the time.",
    )
    return Section(heading="The power law", anchor="power", tables=(table,))


def _sums(powers: Powers) -> Section:
    frame = pd.DataFrame(
        [
            {
                "group": _group(row),
                "base": f"{row['sum_base']:.3g}",
                "a unit of MACs": f"{row['sum_macs']:.3g}",
                "a unit of activations": f"{row['sum_activations']:.3g}",
                "MACs' share": f"{row['share']:.0%}",
                "growth": _limits(row, "sum_growth", "sum_low", "sum_high"),
            }
            for row in powers.table.to_dict("records")
        ]
    )
    table = Table(
        caption="Time as a sum of terms, none below zero",
        frame=frame,
        note="The terms have the unit of the time, and stand for one unit of the table's columns. "
        "MACs' share: of the time that MACs and activations take, in the median network.",
    )
    return Section(
        heading="The sum of terms",
        anchor="sum",
        paragraphs=(
            "Fitted by relative errors. Here the growth that keeps a layer's time depends on the "
            "layer: with a share s of it taken by MACs it solves s r^2 / 4 + (1 - s) r / 4 = 1. It "
            "is given at the share of the median network; early layers, with few MACs for their "
            "activations, ask for more growth and late ones for less.",
        ),
        tables=(table,),
    )


def markdown(powers: Powers) -> list[str]:
    """The growths as a table in Markdown, its lines."""
    return [
        "| group | growth by a power law [95% interval] | by a sum of terms |",
        "| :-- | --: | --: |",
        *(
            f"| {prose(row['group'] or 'all rows')} | "
            f"{wording.interval_text(row['growth'], row['low'], row['high'], '.2f')} | "
            f"{wording.interval_text(row['sum_growth'], row['sum_low'], row['sum_high'], '.2f')} |"
            for row in powers.table.to_dict("records")
        ),
    ]
