"""A file of claims about networks, read strictly: what can be looked up, and what studies test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ablate.errors import InputError, nearest
from ablate.study.file import read_study_file
from ablate.study.find import kind_of
from ablate.study.strict import Name, StrictTable, check_stem, read_toml, validated

KINDS = (
    *("planes", "planes_change_where_halved", "same_planes", "planes_differ"),
    *("source", "layer_macs_equal_at"),
)
# What a check needs beside the key that says its kind.
COMPANIONS = {"planes": ("are",), "source": ("says", "agrees")}
_Networks = Annotated[list[str], Field(min_length=1)]
_Several = Annotated[list[str], Field(min_length=2)]


class CheckTable(StrictTable):
    """One thing that can be looked up; one of six kinds.

    Args:
        planes, are: the network's planes, stage by stage.
        planes_change_where_halved: from the second stage on, each network's planes change in the
            stages that halve its feature map and in no other.
        same_planes: the networks have the planes of the first, stage by stage.
        planes_differ: the networks do not all have the same planes.
        source, says, agrees: what a publication says, in other words than its own, and whether the
            claim agrees with it; read by a person.
        layer_macs_equal_at: at this growth, a 3x3 layer of the article's network has the same MACs
            in every stage.
    """

    planes: str | None = None
    are: list[int] | None = None
    planes_change_where_halved: _Networks | None = None
    same_planes: _Several | None = None
    planes_differ: _Several | None = None
    source: str | None = None
    says: str | None = None
    agrees: bool | None = None
    layer_macs_equal_at: float | None = Field(default=None, ge=1, le=100)

    @property
    def kind(self) -> str:
        """Which of the six it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def networks(self) -> list[str]:
        """Names of the networks that it is about."""
        several = self.planes_change_where_halved or self.same_planes or self.planes_differ or []
        return [self.planes] if self.planes else several


class ClaimTable(StrictTable):
    """One claim.

    Args:
        text: as it was made.
        instead: what is right, with its source.
        checks: what it says of networks and publications.
        corrections: checks of what is right instead; they do not touch the verdict.
        studies: as `STUDY.HYPOTHESIS`, predictions that speak for it where they hold.
        against: those that speak against it where they hold.
    """

    text: str = Field(min_length=1)
    instead: str = Field(min_length=1)
    checks: list[CheckTable] = Field(default_factory=list)
    corrections: list[CheckTable] = Field(default_factory=list)
    studies: list[str] = Field(default_factory=list)
    against: list[str] = Field(default_factory=list)


class ClaimsFile(StrictTable):
    """A whole file of claims."""

    kind: Literal["claims"]
    question: str = Field(min_length=1)
    claims: dict[Name, ClaimTable] = Field(min_length=1)


_TABLES: dict[tuple[str, ...], type[StrictTable]] = {
    ("claims",): ClaimTable,
    ("claims", "checks"): CheckTable,
    ("claims", "corrections"): CheckTable,
}


def read_claims(path: Path, studies: Mapping[str, Path]) -> ClaimsFile:
    """A file of claims.

    Args:
        path: of the file.
        studies: files of the studies that it may name.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    check_stem(path)
    file = validated(read_toml(path), ClaimsFile, _TABLES)
    for name, claim in file.claims.items():
        where = f"{path}: claims.{name}"
        if not (claim.checks or claim.studies or claim.against):
            raise InputError(f"{where}: expected checks, studies or against; got none of them")
        for key in ("checks", "corrections"):
            for place, check in enumerate(getattr(claim, key)):
                _check_kind(f"{where}.{key}.{place}", check)
        for key in ("studies", "against"):
            for link in getattr(claim, key):
                _check_link(f"{where}.{key}", link, studies)
    return file


def _check_kind(where: str, check: CheckTable) -> None:
    given = [kind for kind in KINDS if getattr(check, kind) is not None]
    if len(given) != 1:
        raise InputError(
            f"{where}: expected one of {', '.join(KINDS)}; got {', '.join(given) or 'none'}"
        )
    needed = COMPANIONS.get(given[0], ())
    for key in (key for keys in COMPANIONS.values() for key in keys):
        if (getattr(check, key) is not None) != (key in needed):
            wanted = "needs" if key in needed else "takes no"
            raise InputError(f"{where}: {given[0]} {wanted} {key!r}")


def _check_link(where: str, link: str, studies: Mapping[str, Path]) -> None:
    study, _, hypothesis = link.partition(".")
    known = [name for name, path in studies.items() if kind_of(read_toml(path)) != "claims"]
    if study not in known:
        raise InputError(
            f"{where}: {link!r}: no study {study!r}{nearest(study, known)}: expected "
            f"STUDY.HYPOTHESIS with one of {', '.join(sorted(known))}"
        )
    stated = read_study_file(studies[study]).hypotheses
    if hypothesis not in stated:
        raise InputError(
            f"{where}: {link!r}: {study} has no hypothesis {hypothesis!r}"
            f"{nearest(hypothesis, stated)}: expected one of {', '.join(stated) or 'none'}"
        )
