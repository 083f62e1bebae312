"""What is there against what was claimed, and the verdicts that follow from facts and studies."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ablate.networks import cost
from ablate.networks.widths import stage_widths
from ablate.report.claims.file import CheckTable, ClaimTable
from ablate.spec import NetSpec


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a network has in one of its stages; widths in channels, sides in pixels."""

    block: str
    planes: int
    inner_width: int
    out_width: int
    blocks: int
    in_side: int
    out_side: int

    @property
    def halved(self) -> bool:
        """Whether its feature map has half the side of the one that it is given."""
        return 2 * self.out_side == self.in_side


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What a check claims of a network, what is there, and whether they are the same."""

    network: str
    claimed: str
    observed: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Linked:
    """What one dataset says of a prediction that a claim is linked to.

    Args:
        study, hypothesis: where it was stated.
        role: `for` or `against`: what it speaks where it holds.
        dataset: of the run, or empty where it was not run.
        verdict, sentence, seeds: of `hypotheses.csv`; empty and 0 where it was not run.
    """

    study: str
    hypothesis: str
    role: str
    dataset: str = ""
    verdict: str = ""
    sentence: str = ""
    seeds: int = 0

    @property
    def speaks(self) -> str:
        """`for` or `against` the claim, or `neither`."""
        if self.verdict not in ("supported", "refuted"):
            return "neither"
        return "for" if (self.verdict == "supported") == (self.role == "for") else "against"


def article_network(growth: float) -> NetSpec:
    """The article's: 3x3 stem of 16, three stages of 2 basic blocks, projections, 32x32 images."""
    return replace(NetSpec(), widths=stage_widths(16, growth, 3))


def layer_macs(spec: NetSpec) -> dict[str, int]:
    """MACs, per image, of a 3x3 layer within each stage: the largest layer that the stage has."""
    largest: dict[str, int] = {}
    for layer in cost.layers(spec):
        if layer.stage.startswith("stage "):
            largest[layer.stage] = max(layer.macs, largest.get(layer.stage, 0))
    return largest


def observe(
    check: CheckTable, claim: ClaimTable, facts: Mapping[str, Sequence[Stage]]
) -> list[Observed]:
    """What a check finds.

    Args:
        check: of the claim.
        claim: gives its text where the check is about all of it.
        facts: the stages of every network that the check names.
    """
    planes = {name: [stage.planes for stage in facts[name]] for name in check.networks}
    if check.planes is not None:
        are, there = check.are or [], planes[check.planes]
        return [_observed(check.planes, _listed(are), _listed(there), are == there)]
    if check.same_planes is not None:
        first, *others = check.same_planes
        return [
            _observed(
                name,
                f"{_listed(planes[first])} as {first}",
                _listed(planes[name]),
                planes[name] == planes[first],
            )
            for name in others
        ]
    if check.planes_differ is not None:
        found = sorted({_listed(each) for each in planes.values()})
        seen = f"{found[0]} in all {len(planes)}" if len(found) == 1 else "; ".join(found)
        return [_observed(", ".join(planes), "not all the same planes", seen, len(found) > 1)]
    if check.planes_change_where_halved is not None:
        return [_where_halved(name, facts[name]) for name in check.networks]
    if check.layer_macs_equal_at is not None:
        growth = check.layer_macs_equal_at
        macs = layer_macs(article_network(growth)).values()
        name = f"the article's, growth {growth:g}"
        seen = "; ".join(f"{each:,}" for each in macs)
        return [_observed(name, "equal MACs of a 3x3 layer", seen, len(set(macs)) == 1)]
    return [_observed("", claim.text, f"{check.source}: {check.says}", check.agrees is True)]


def _where_halved(name: str, stages: Sequence[Stage]) -> Observed:
    later = list(enumerate(itertools.pairwise(stages), start=2))
    halved = [number for number, (_, stage) in later if stage.halved]
    changed = [number for number, (before, stage) in later if stage.planes != before.planes]
    claimed = f"planes change in the halved stages, {_listed(halved)}"
    return _observed(name, claimed, f"in stages {_listed(changed)}", halved == changed)


def _observed(network: str, claimed: str, observed: str, holds: bool) -> Observed:
    return Observed(network=network, claimed=claimed, observed=observed, holds=holds)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def verdict(checks: Sequence[Observed], links: Sequence[Linked]) -> str:
    """Of a claim: `supported`, `refuted` or `inconclusive`.

    Refuted where a check fails or all linked predictions speak against it; supported where all
    checks hold and all linked predictions speak for it; else inconclusive.
    """
    said = {link.speaks for link in links}
    if not all(check.holds for check in checks) or said == {"against"}:
        return "refuted"
    return "supported" if said <= {"for"} else "inconclusive"
