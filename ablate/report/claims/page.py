"""What became of each claim: tables, a summary in Markdown that is also printed, and a page."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import BOTH, IN_PART, LABELS, MOST_WORDS, Mark, Word
from ablate.files import write_text
from ablate.report.claims.figure import growth_table, macs_by_growth
from ablate.report.claims.verdict import Check, Judged, Link
from ablate.report.figures.drawing.style import picture, save
from ablate.report.html.page import Answer, Page, Picture, Section, Statement, Table, render
from ablate.report.neighbours import links
from ablate.report.verdict_file import one_row
from ablate.results.csv import write_table
from ablate.results.names import CLAIMS, INDEX, MARKDOWN, REPORT, VERDICT
from ablate.study.find import name_or_path

COLUMNS = (  # of claims.csv
    *("claim", "text", "verdict", "checks", "checks_hold", "linked", "linked_for"),
    *("linked_against", "instead"),
)
RIGHT = "Right"
RESULTS = Path("results")
WHY = (
    "He et al. 2015 (arXiv 1512.03385, section 3.3) double the filters where the side of the "
    "feature map halves, so that each layer keeps its time complexity. Growth r multiplies the "
    "MACs of a 3x3 layer there by r^2/4, its parameters by r^2, its activations by r/4: 2 keeps "
    "the MACs. A stage's first layer reads the stage before, of another width: a whole stage "
    "departs from that."
)
ARTICLE = (
    "The article's network: 3x3 stem of 16, three stages of 2 basic blocks with strides 1, 2, 2, "
    "projection shortcuts, images of 32x32."
)
COUNTED = "Each from the first stage to the last, for one image. Counted, so exact: no interval."


def write(
    path: Path, question: str, judged: Sequence[Judged], networks: pd.DataFrame, out: Path
) -> tuple[str, Path]:
    """Write tables, figure, summary and page to `out`/NAME/torchvision/.

    Args:
        path: the file of claims.
        question: of the file.
        judged: of `verdict.judge`.
        networks: of `networks.weights.torchvision.stage_table`.
        out: the folder of results.

    Returns:
        The summary, in Markdown, and the page's path.
    """
    folder = out / path.stem / "torchvision"
    for name, table in _tables(judged).items():
        write_table(table, folder / name)
    write_table(networks, folder / "networks.csv")
    drawing = macs_by_growth()
    save(drawing, folder)
    costs = growth_table(drawing.data)
    why = Section(
        heading="Why double: what each stage costs",
        anchor="why",
        paragraphs=(WHY, ARTICLE),
        tables=(Table(caption="Costs by growth, stage by stage", frame=costs, note=COUNTED),),
    )
    reproduce = Section(
        heading="Reproduce", anchor="reproduce", code=_command(name_or_path(path), out)
    )
    claims = [_claim(number, one, out) for number, one in enumerate(judged, start=1)]
    shown = picture(drawing, folder)
    answer = answer_to(judged, shown)
    page = Page(
        title=f"{path.stem}, checked on torchvision",
        question=question,
        answer=answer,
        sections=(_statements(judged), *claims, why, *_networks(networks), reproduce),
        footer="Widths are read off torchvision's modules, sides off a forward pass of shapes "
        "alone; no weights are needed.",
    )
    if (out / INDEX).exists():
        page = replace(page, links=links(folder, out))
    write_text(folder / REPORT, render(page))
    said = one_row(
        study=path.stem,
        dataset="torchvision",
        question=question,
        word=answer.word,
        label=answer.label,
        sentence=answer.sentence,
        caveat=answer.caveat,
        settle=answer.settle,
    )
    write_table(said, folder / VERDICT)
    told = [f"**{answer.label}:** {answer.sentence}", f"But: {answer.caveat}"]
    told += [answer.settle] if answer.settle else []
    parts = [f"# {path.stem}", question, *told, *_markdown(judged, costs, out)]
    summary = "\n\n".join(parts) + "\n"
    write_text(folder / MARKDOWN, summary)
    return summary, folder / REPORT


def _tables(judged: Sequence[Judged]) -> dict[str, pd.DataFrame]:
    """What was found, by the name of its file."""
    claims = []
    for one in judged:
        holds = [check.holds for check in one.checks if check.of == "claim"]
        said = [link.speaks for link in one.links]
        spoken = len(said), said.count("for"), said.count("against")
        text, instead = one.claim.text, one.claim.instead
        claims.append((one.name, text, one.verdict, len(holds), sum(holds), *spoken, instead))
    checks = [(one.name, *check) for one in judged for check in one.checks]
    links = [(one.name, *link) for one in judged for link in one.links]
    return {
        CLAIMS: pd.DataFrame(claims, columns=COLUMNS),
        "checks.csv": pd.DataFrame(checks, columns=("claim", *Check._fields)),
        "linked.csv": pd.DataFrame(links, columns=("claim", *Link._fields)),
    }


def answer_to(judged: Sequence[Judged], shown: Picture | None = None) -> Answer:
    """Which of the claims are right, in a sentence.

    Args:
        judged: each claim.
        shown: the figure beside it.
    """
    right = [one.claim.text for one in judged if one.verdict == "supported"]
    wrong = [one for one in judged if one.verdict == "refuted"]
    undecided = len(judged) - len(right) - len(wrong)
    whole = wording.plural(len(judged), "claim")
    if len(right) == 1 < len(judged):
        told = f"{right[0][:1].lower()}{right[0][1:]}".rstrip(".")
        sentence = f"One of the {whole} is right: {told}."
    else:
        sentence = f"{len(right)} of the {whole} {'is' if len(right) == 1 else 'are'} right."
    if len(sentence.split()) > MOST_WORDS:
        sentence = f"One of the {whole} is right."
    word: Word = "open" if undecided else "yes" if not wrong else "no"
    label = LABELS[word] if not (right and wrong) else IN_PART if undecided else BOTH
    settle = (
        f"To settle it: run the studies that {wording.plural(undecided, 'claim')} rest on; the "
        "commands stand with each."
    )
    return Answer(
        word=word,
        label=label,
        sentence=sentence,
        caveat="What studies say of a claim was seen on small networks and small images.",
        settle=settle if undecided else "",
        picture=shown,
    )


def _statements(judged: Sequence[Judged]) -> Section:
    """Each claim with what became of it, and what is right instead."""
    marks: dict[str, Mark] = {
        "supported": "supported", "refuted": "refuted", "inconclusive": "open"
    }  # fmt: skip
    statements = tuple(
        Statement(mark=marks[one.verdict], text=one.claim.text, sentence=one.claim.instead)
        for one in judged
    )
    return Section(heading="The claims", anchor="claims", statements=statements)


def _reasons(one: Judged, out: Path) -> list[tuple[str, str]]:
    """What was found about a claim and, labelled `RIGHT`, about what is right instead."""
    labels = {"claim": "Check", "instead": RIGHT}
    checks = [(labels[check.of], _seen(check)) for check in _grouped(one.checks)]
    return checks + [("Study", _said(link, out)) for link in one.links]


def _grouped(checks: Sequence[Check]) -> list[Check]:
    """Checks for reading: networks of which the same was claimed and seen are one entry."""
    networks: dict[Check, list[str]] = {}
    for check in checks:
        networks.setdefault(check._replace(network=""), []).append(check.network)
    return [check._replace(network=", ".join(names)) for check, names in networks.items()]


def _seen(check: Check) -> str:
    if not check.network:
        agrees = "agrees" if check.holds else "does not agree"
        return f"{check.observed} ({agrees}; read, not computed)"
    holds = "holds" if check.holds else "does not hold"
    return f"{check.network}: expected {check.claimed}; found {check.observed} ({holds})"


def _said(link: Link, out: Path) -> str:
    name = f"{link.study}.{link.hypothesis} (speaks {link.role} it where it holds)"
    if not link.dataset:
        return f"{name}: not run yet: {_command(link.study, out)}"
    return f"{name}, {link.dataset}: {link.verdict}. {link.sentence}"


def _command(study: str, out: Path) -> str:
    """The command that runs a study, or checks claims."""
    words = ["ablate", "run", "--study", study]
    return shlex.join(words + ([] if out == RESULTS else ["--out", str(out)]))


def _claim(number: int, one: Judged, out: Path) -> Section:
    """A claim on the page."""
    found = pd.DataFrame(_reasons(one, out), columns=["about", "found"])
    return Section(
        heading=f"Claim {number}: what was found",
        anchor=f"claim-{number}",
        paragraphs=(one.claim.text,),
        tables=(Table(caption=f"What was found about {one.name}", frame=found),),
    )


def _networks(networks: pd.DataFrame) -> list[Section]:
    """The networks on the page, if there are any."""
    shown = networks.drop(columns="in_side")
    shown["halved"] = shown["halved"].map({True: "yes", False: "no"})
    table = Table(
        caption="torchvision's networks, stage by stage",
        frame=shown.rename(columns=lambda name: name.replace("_", " ")),
        note="Widths in channels; out side in pixels, of an image of 224x224; halved against what "
        "the stage is given.",
    )
    return (
        [] if shown.empty else [Section(heading="The networks", anchor="networks", tables=(table,))]
    )


def _markdown(judged: Sequence[Judged], costs: pd.DataFrame, out: Path) -> Iterator[str]:
    """The summary's paragraphs: each claim, and why widths double."""
    for number, one in enumerate(judged, start=1):
        yield f"## {number}. {one.claim.text}"
        reasons = _reasons(one, out)
        lines = [f"- Verdict: **{one.verdict}**"]
        lines += [f"- {about}: {text}" for about, text in reasons if about != RIGHT]
        lines += [f"- {RIGHT}: {one.claim.instead}"]
        lines += [f"  - {text}" for about, text in reasons if about == RIGHT]
        yield "\n".join(lines)
    yield from ("## Why double", WHY, f"{ARTICLE} {COUNTED}")
    rule = [":--", *["--:"] * (costs.shape[1] - 1)]
    rows = [costs.columns.tolist(), rule, *costs.to_numpy().tolist()]
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)
