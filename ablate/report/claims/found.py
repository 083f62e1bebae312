"""What was found about each claim: its checks, the runs it is linked to, its verdict; as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.errors import InputError
from ablate.report.claims.file import ClaimsFile, ClaimTable
from ablate.report.claims.verdict import Linked, Observed, Stage, observe, verdict
from ablate.results.names import HYPOTHESES


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One claim with what was found about it.

    Args:
        name: in the file.
        claim: the claim.
        verdict: of `verdict.verdict`.
        checks, corrections: kind and finding of each.
        links: of `read_links`.
    """

    name: str
    claim: ClaimTable
    verdict: str
    checks: list[tuple[str, Observed]]
    corrections: list[tuple[str, Observed]]
    links: list[Linked]


@dataclass(frozen=True, kw_only=True)
class Found:
    """All that was found.

    Args:
        name: of the file.
        wanted: what `--study` takes for it.
        question: of the file.
        judged: each claim.
        facts: the stages of each network.
        out: the folder of results.
    """

    name: str
    wanted: str
    question: str
    judged: list[Judged]
    facts: Mapping[str, Sequence[Stage]]
    out: Path


def find(
    path: Path, wanted: str, file: ClaimsFile, facts: Mapping[str, Sequence[Stage]], out: Path
) -> Found:
    """Judge each claim by the facts and by the verdicts of the runs in `out`.

    Args:
        path: of the file.
        wanted: what `--study` takes for it.
        file: its content.
        facts: the stages of each network that it names.
        out: the folder of results.
    """
    judged = []
    for claim_name, claim in file.claims.items():
        checks, corrections = (
            [(check.kind, seen) for check in some for seen in observe(check, claim, facts)]
            for some in (claim.checks, claim.corrections)
        )
        links = [
            link
            for role, names in (("for", claim.studies), ("against", claim.against))
            for target in names
            for link in read_links(out, target, role)
        ]
        judged.append(
            Judged(
                name=claim_name,
                claim=claim,
                verdict=verdict([seen for _, seen in checks], links),
                checks=checks,
                corrections=corrections,
                links=links,
            )
        )
    return Found(
        name=path.stem,
        wanted=wanted,
        question=file.question,
        judged=judged,
        facts=facts,
        out=out,
    )


def read_links(out: Path, target: str, role: str) -> list[Linked]:
    """What each run says of a prediction; one entry without a dataset where none has judged it.

    Args:
        out: holds `STUDY/DATASET/hypotheses.csv`.
        target: as `STUDY.HYPOTHESIS`.
        role: `for` or `against`.

    Raises:
        InputError: a table is not one of hypotheses.
    """
    study, _, hypothesis = target.partition(".")
    found = []
    for path in sorted(out.glob(f"{study}/*/{HYPOTHESES}")):
        try:
            table = pd.read_csv(path, keep_default_na=False)
            table = table.astype({"name": str, "verdict": str, "sentence": str, "n": int})
        except (ValueError, KeyError) as error:
            why = " ".join(str(error).split())
            raise InputError(f"{path}: not a table of hypotheses: {why}") from error
        for row in table[table["name"] == hypothesis].to_dict("records"):
            found.append(
                Linked(
                    study=study,
                    hypothesis=hypothesis,
                    role=role,
                    dataset=path.parent.name,
                    verdict=row["verdict"],
                    sentence=row["sentence"],
                    seeds=row["n"],
                )
            )
    return found or [Linked(study=study, hypothesis=hypothesis, role=role)]


def claims_table(found: Found) -> pd.DataFrame:
    """One row a claim."""
    rows = [
        {
            "claim": one.name,
            "text": one.claim.text,
            "verdict": one.verdict,
            "checks": len(one.checks),
            "checks_hold": sum(seen.holds for _, seen in one.checks),
            "linked": len(one.links),
            "linked_for": sum(link.speaks == "for" for link in one.links),
            "linked_against": sum(link.speaks == "against" for link in one.links),
            "instead": one.claim.instead,
        }
        for one in found.judged
    ]
    return pd.DataFrame(rows)


def checks_table(found: Found) -> pd.DataFrame:
    """One row a check and network; `of` is `claim`, or `instead` for what is right instead."""
    columns = ["claim", "of", "check", "network", "claimed", "observed", "holds"]
    rows = [
        {"claim": one.name, "of": of, "check": kind, **asdict(seen)}
        for one in found.judged
        for of, checks in (("claim", one.checks), ("instead", one.corrections))
        for kind, seen in checks
    ]
    return pd.DataFrame(rows, columns=columns)


def networks_table(found: Found) -> pd.DataFrame:
    """One row a network and stage; widths in channels, sides in pixels of a 224x224 image."""
    columns = ["network", "stage", "block", "planes", "inner_width", "out_width", "blocks"]
    columns += ["in_side", "out_side", "halved"]
    rows = [
        {"network": name, "stage": number, **asdict(stage), "halved": stage.halved}
        for name, stages in found.facts.items()
        for number, stage in enumerate(stages, start=1)
    ]
    return pd.DataFrame(rows, columns=columns)


def linked_table(found: Found) -> pd.DataFrame:
    """One row a linked prediction and dataset."""
    columns = ["claim", "study", "hypothesis", "role", "dataset", "verdict", "sentence", "seeds"]
    rows = [
        {"claim": one.name, **asdict(link), "speaks": link.speaks}
        for one in found.judged
        for link in one.links
    ]
    return pd.DataFrame(rows, columns=[*columns, "speaks"])


def grouped(checks: Sequence[tuple[str, Observed]]) -> list[tuple[str, Observed]]:
    """Checks for reading: networks of which the same was claimed and seen are one entry."""
    networks: dict[tuple[str, Observed], list[str]] = {}
    for kind, seen in checks:
        networks.setdefault((kind, replace(seen, network="")), []).append(seen.network)
    return [
        (kind, replace(seen, network=", ".join(names))) for (kind, seen), names in networks.items()
    ]


def answer(found: Found) -> str:
    """How many claims had which verdict, and which."""
    parts = []
    for kind in ("refuted", "supported", "inconclusive"):
        names = [
            f"{number} ({one.name})"
            for number, one in enumerate(found.judged, start=1)
            if one.verdict == kind
        ]
        if names:
            parts.append(f"{kind}: {', '.join(names)}")
    return f"Of {wording.plural(len(found.judged), 'claim')}, {'; '.join(parts)}."
