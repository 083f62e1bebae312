"""What became of each claim: tables, a summary in Markdown that is also printed, and a page."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.files import write_text
from ablate.report.claims.figure import growth_table, macs_by_growth
from ablate.report.claims.verdict import Check, Judged, Link
from ablate.report.figures.style import picture, save
from ablate.report.html.page import Page, Section, Table, render
from ablate.results.csv import write_table
from ablate.results.names import CLAIMS, MARKDOWN, REPORT
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
        networks: of `networks.torchvision.stage_table`.
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
        paragraphs=(WHY, ARTICLE),
        tables=(Table(caption="Costs by growth, stage by stage", frame=costs, note=COUNTED),),
        pictures=(picture(drawing, folder),),
    )
    reproduce = Section(heading="Reproduce", code=_command(name_or_path(path), out))
    claims = [_claim(number, one, out) for number, one in enumerate(judged, start=1)]
    page = Page(
        title=f"{path.stem}, checked on torchvision",
        question=question,
        answer=_answer(judged),
        sections=(*claims, why, *_networks(networks), reproduce),
        footer="Widths are read off torchvision's modules, sides off a forward pass of shapes "
        "alone; no weights are needed.",
    )
    write_text(folder / REPORT, render(page))
    parts = [f"# {path.stem}", question, _answer(judged), *_markdown(judged, costs, out)]
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


def _answer(judged: Sequence[Judged]) -> str:
    """How many claims had which verdict, and which."""
    which: dict[str, list[str]] = {"refuted": [], "supported": [], "inconclusive": []}
    for number, one in enumerate(judged, start=1):
        which[one.verdict].append(f"{number} ({one.name})")
    parts = [f"{verdict}: {', '.join(names)}" for verdict, names in which.items() if names]
    return f"Of {wording.plural(len(judged), 'claim')}, {'; '.join(parts)}."


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
        heading=f"{number}. {one.claim.text}",
        paragraphs=(f"Verdict: {one.verdict}.", f"{RIGHT}: {one.claim.instead}"),
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
    return [] if shown.empty else [Section(heading="The networks", tables=(table,))]


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
