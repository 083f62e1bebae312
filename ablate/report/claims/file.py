"""A file of claims about networks, read strictly: what can be looked up, and what studies test."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ablate.errors import InputError, nearest
from ablate.study.file import read_study_file
from ablate.study.find import kind_of
from ablate.study.toml_file import Name, StrictTable, check_stem, read_toml, validated

KINDS: dict[str, tuple[str, ...]] = {  # of check, and the keys that each needs besides
    "planes": ("are",),
    **dict.fromkeys(("planes_change_where_halved", "same_planes", "planes_differ"), ()),
    "source": ("says", "agrees"),
    "layer_macs_equal_at": (),
}
_Sentence = Annotated[str, Field(min_length=1)]
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
    planes_change_where_halved: list[str] | None = Field(default=None, min_length=1)
    same_planes: _Several | None = None
    planes_differ: _Several | None = None
    source: str | None = None
    says: str | None = None
    agrees: bool | None = None
    layer_macs_equal_at: float | None = Field(default=None, ge=1, le=100)

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def networks(self) -> list[str]:
        """Names of the networks that it is about."""
        several = self.planes_change_where_halved or self.same_planes or self.planes_differ or []
        return several if self.planes is None else [self.planes]


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

    text: _Sentence
    instead: _Sentence
    checks: list[CheckTable] = Field(default_factory=list)
    corrections: list[CheckTable] = Field(default_factory=list)
    studies: list[str] = Field(default_factory=list)
    against: list[str] = Field(default_factory=list)


class ClaimsFile(StrictTable):
    """A whole file of claims."""

    kind: Literal["claims"]
    question: _Sentence
    claims: dict[Name, ClaimTable] = Field(min_length=1)

    @property
    def networks(self) -> list[str]:
        """Names of the networks that its checks and corrections are about, each once."""
        tables = [t for one in self.claims.values() for t in (*one.checks, *one.corrections)]
        return list(dict.fromkeys(name for table in tables for name in table.networks))


_TABLES: dict[tuple[str, ...], type[StrictTable]] = {
    ("claims",): ClaimTable,
    ("claims", "checks"): CheckTable,
    ("claims", "corrections"): CheckTable,
}


def read_claims(path: Path, studies: Mapping[str, Path], networks: Collection[str]) -> ClaimsFile:
    """A file of claims.

    Args:
        path: of the file.
        studies: files of all kinds by name; predictions are those of studies.
        networks: names of those that it may be about.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    check_stem(path)
    file = validated(read_toml(path), ClaimsFile, _TABLES)
    for name, claim in file.claims.items():
        where = f"{path}: claims.{name}"
        if not (claim.checks or claim.studies or claim.against):
            raise InputError(f"{where}: expected checks, studies or against; got none of them")
        for key, checks in (("checks", claim.checks), ("corrections", claim.corrections)):
            for place, check in enumerate(checks):
                _verify_check(f"{where}.{key}.{place}", check, networks)
        for key, links in (("studies", claim.studies), ("against", claim.against)):
            for link in links:
                _verify_link(f"{where}.{key}: {link!r}", link, studies)
    return file


def _verify_check(where: str, check: CheckTable, networks: Collection[str]) -> None:
    given = [kind for kind in KINDS if getattr(check, kind) is not None]
    if len(given) != 1:
        expected = f"expected one of {', '.join(KINDS)}"
        raise InputError(f"{where}: {expected}; got {', '.join(given) or 'none'}")
    for key in (key for keys in KINDS.values() for key in keys):
        needed = key in KINDS[check.kind]
        if (getattr(check, key) is not None) != needed:
            raise InputError(f"{where}: {check.kind} {'needs' if needed else 'takes no'} {key!r}")
    for name in check.networks:
        _verify_known(where, "network", name, networks)


def _verify_link(where: str, link: str, studies: Mapping[str, Path]) -> None:
    study, _, hypothesis = link.partition(".")
    known = [name for name, path in studies.items() if kind_of(read_toml(path)) == "study"]
    _verify_known(where, "study", study, known)
    stated = read_study_file(studies[study]).hypotheses
    _verify_known(where, f"hypothesis of {study}", hypothesis, stated)


def _verify_known(where: str, what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        expected = f"expected one of {', '.join(known) or 'none'}"
        raise InputError(f"{where}: no {what} {name!r}{nearest(name, known)}: {expected}")
