"""Claims judged: what each check finds in networks, what runs say, and the verdict of both."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ablate.analysis.findings import find
from ablate.errors import InputError
from ablate.networks import cost
from ablate.networks.widths import stage_widths
from ablate.report.claims.file import CheckTable, ClaimsFile, ClaimTable
from ablate.results.names import HYPOTHESES, TRIALS
from ablate.spec.network import NetSpec

READ = {"name": str, "verdict": str, "sentence": str, "n": int}  # of a run's verdicts


class Check(NamedTuple):
    """What is claimed of a network (none where a person read a source), and what is there.

    `of` is `claim`, or `instead` for what is right instead.
    """

    of: str
    check: str
    network: str
    claimed: str
    observed: str
    holds: bool


class Link(NamedTuple):
    """What a run says of a prediction; without a dataset where no run has judged it.

    It `speaks` `for` or `against` a claim, or `neither`: where it holds, as its `role` is.
    """

    study: str
    hypothesis: str
    role: str
    dataset: str = ""
    verdict: str = ""
    sentence: str = ""
    seeds: int = 0
    speaks: str = "neither"


@dataclass(frozen=True)
class Judged:
    """A claim, its name in the file, and what was found about it."""

    name: str
    claim: ClaimTable
    checks: list[Check]
    links: list[Link]

    @property
    def verdict(self) -> str:
        """Of the claim: `supported`, `refuted` or `inconclusive`.

        Refuted where a check fails or all linked predictions speak against it; supported where all
        checks hold and all linked predictions speak for it; else inconclusive.
        """
        said = {link.speaks for link in self.links}
        if said == {"against"} or any(c.of == "claim" and not c.holds for c in self.checks):
            return "refuted"
        return "supported" if said <= {"for"} else "inconclusive"


def judge(file: ClaimsFile, networks: pd.DataFrame, *roots: Path) -> list[Judged]:
    """Judge each claim by networks and by the verdicts of runs.

    Args:
        file: of `read_claims`.
        networks: one row a stage of each network that the file names, in order: `network`,
            `stage`, `planes`, and `halved`, whether it halves the side of what it is given.
        roots: folders of results, with runs in `STUDY/DATASET`; of two runs of one study and
            dataset the first folder's counts.

    Raises:
        InputError: a run's tables are not ours.
    """
    judged, read = [], cache(_predictions)  # several claims look at one run
    for name, claim in file.claims.items():
        checks = [
            Check(of, table.kind, *found)
            for of, tables in (("claim", claim.checks), ("instead", claim.corrections))
            for table in tables
            for found in _look_up(table, claim.text, networks)
        ]
        links = [
            link
            for role, targets in (("for", claim.studies), ("against", claim.against))
            for target in targets
            for link in _links(roots, target, role, read)
        ]
        judged.append(Judged(name, claim, checks, links))
    return judged


def _links(
    roots: Sequence[Path], target: str, role: str, read: Callable[[Path], pd.DataFrame]
) -> list[Link]:
    """What each run says of `STUDY.HYPOTHESIS`, or one entry that says there is none."""
    study, _, hypothesis = target.partition(".")
    speaks = {"supported": role, "refuted": "against" if role == "for" else "for"}
    runs: dict[str, Path] = {}
    for root in reversed(roots):
        found = [*root.glob(f"{study}/*/{TRIALS}"), *root.glob(f"{study}/*/{HYPOTHESES}")]
        runs |= {path.parent.name: path.parent for path in found}
    links = []
    for dataset, folder in sorted(runs.items()):
        table = read(folder)
        for row in table[table["name"] == hypothesis].to_dict("records"):
            said = row["verdict"], row["sentence"], row["n"], speaks.get(row["verdict"], "neither")
            links.append(Link(study, hypothesis, role, dataset, *said))
    return links or [Link(study, hypothesis, role)]


def _predictions(folder: Path) -> pd.DataFrame:
    """The verdicts of a run: as it has them, or worked out where only its tables are published."""
    path = folder / HYPOTHESES
    if not path.exists():
        return find(folder).hypotheses
    try:
        return pd.read_csv(path, keep_default_na=False, usecols=list(READ), dtype=READ)
    except ValueError as error:
        why = " ".join(str(error).split())
        raise InputError(f"{path}: not a table of hypotheses: {why}") from error


def _look_up(
    check: CheckTable, text: str, networks: pd.DataFrame
) -> list[tuple[str, str, str, bool]]:
    """Network, what is claimed of it, what is there, and whether that holds, of each network."""
    stages = {name: networks[networks["network"] == name] for name in check.networks}
    planes = {name: _listed(each["planes"]) for name, each in stages.items()}
    match check:
        case CheckTable(planes=str(name), are=list(are)):
            return [(name, _listed(are), planes[name], planes[name] == _listed(are))]
        case CheckTable(planes_change_where_halved=list()):
            return [(name, *_where_halved(each)) for name, each in stages.items()]
        case CheckTable(same_planes=[first, *others]):
            same = planes[first]
            return [
                (name, f"{same} as {first}", planes[name], planes[name] == same) for name in others
            ]
        case CheckTable(planes_differ=list()):
            seen = sorted(set(planes.values()))
            said = "; ".join(seen) if len(seen) > 1 else f"{seen[0]} in all {len(planes)}"
            return [(", ".join(planes), "not all the same planes", said, len(seen) > 1)]
        case CheckTable(layer_macs_equal_at=float(growth)):
            macs = layer_macs(article_network(growth)).values()
            name, said = f"the article's, growth {growth:g}", "; ".join(f"{n:,}" for n in macs)
            return [(name, "equal MACs of a 3x3 layer", said, len(set(macs)) == 1)]
    return [("", text, f"{check.source}: {check.says}", check.agrees is True)]


def _where_halved(stages: pd.DataFrame) -> tuple[str, str, bool]:
    """Where a network's planes are claimed to change, where they do, and whether that holds."""
    later = stages.assign(changes=stages["planes"].diff() != 0)[1:]
    halved, changed = (_listed(later["stage"][later[key]]) for key in ("halved", "changes"))
    claimed = f"planes change in the halved stages, {halved}"
    return claimed, f"in stages {changed}", halved == changed


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def article_network(growth: float) -> NetSpec:
    """The article's: 3x3 stem of 16, three stages of 2 basic blocks, projections, 32x32 images."""
    return replace(NetSpec(), widths=stage_widths(16, growth, 3))


def layer_macs(spec: NetSpec) -> dict[str, int]:
    """MACs, per image, of a 3x3 layer within each stage: the largest layer that the stage has."""
    by_stage = itertools.groupby(cost.layers(spec), lambda layer: layer.stage)
    largest = {stage: max(layer.macs for layer in layers) for stage, layers in by_stage}
    return {stage: macs for stage, macs in largest.items() if stage.startswith("stage ")}
