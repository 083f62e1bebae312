"""The plan of a run on disk: every trial that its table will hold, by key."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import InputError
from ablate.files import aside, replacing
from ablate.results.names import MANIFEST
from ablate.results.stopping import Fate, Looks, extended_text, looks_from_json, looks_to_json
from ablate.study.plan import Study

SCHEMA = 1


@dataclass(frozen=True)
class Change:
    """How a plan differs from the one before.

    Args:
        new, kept, orphaned: keys of trials.
        extended: that seeds were added after the run had ended, in a sentence; empty if not.
    """

    new: frozenset[str]
    kept: frozenset[str]
    orphaned: frozenset[str]
    extended: str = ""

    def __str__(self) -> str:
        return (
            f"the plan has changed: {len(self.new)} trials are new, {len(self.kept)} are kept, "
            f"{len(self.orphaned)} are no longer in it"
        )


def manifest_of(study: Study) -> dict[str, Any]:
    """A study's plan as JSON values, as it is before anything is trained."""
    trials = [
        {"key": planned.spec.key, "cell": planned.cell.name, "seed": planned.spec.seed}
        for planned in study.plan()
    ]
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "study": study.name,
        "dataset": study.data.name,
        "study_file_sha256": hashlib.sha256(study.source.encode()).hexdigest(),
        "seeds": study.seeds,
        "trials": trials,
    }
    if study.looks:
        content["stop"] = looks_to_json(Looks(planned=study.looks), _cells(trials))
    return content


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of JSON values without their key `sha256`."""
    rest = {key: value for key, value in content.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest at `path`, checked against its hash; None where there is none.

    Raises:
        InputError: not a manifest, or not as it was written.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        whole = content["sha256"] == digest(content) and content["schema"] == SCHEMA
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path}: not a manifest; move it away to write it anew") from error
    if not whole:
        raise InputError(f"{path}: not as it was written; move it away to write it anew")
    found: dict[str, Any] = content
    return found


def write_manifest(folder: Path, study: Study, ended: Collection[str] = ()) -> Change | None:
    """Write a run's manifest where there is none; call it under the folder's lock.

    Where a run that had ended is given more seeds, `extended_from` lists the numbers of seeds that
    it had ended with.

    Args:
        folder: of the run.
        study: what is to be run.
        ended: keys of the trials that have ended before.

    Returns:
        Where the plan is another than before, how it differs; the old one is kept aside.
    """
    path, now = folder / MANIFEST, manifest_of(study)
    before = read_manifest(path)
    if before is None:
        _write(path, now)
        return None
    if _plan(before) == _plan(now):
        return None
    old, new = ({trial["key"] for trial in plan["trials"]} for plan in (before, now))
    numbers = [*extended_from(before, path)] if old & new else []
    last = _ended_with(before, path, ended)
    if old & new and last is not None and _design(before) != _design(now):
        numbers.append(last)
    numbers = sorted({number for number in numbers if number < study.seeds})
    path.rename(aside(path))
    _write(path, now | ({"extended_from": numbers} if numbers else {}))
    extended = extended_text(numbers, study.seeds) if numbers else ""
    if old == new and not extended:
        return None
    return Change(frozenset(new - old), frozenset(new & old), frozenset(old - new), extended)


def write_looks(folder: Path, looks: Looks) -> None:
    """Write into a run's manifest which looks have been made; call it under the folder's lock."""
    path = folder / MANIFEST
    content = read_manifest(path)
    assert content is not None
    now = content | {"stop": looks_to_json(looks, _cells(content["trials"]))}
    if now != content:
        _write(path, now)


def looks_of(content: Mapping[str, Any], path: Path) -> Looks | None:
    """The looks that a manifest lists; None where all is trained in any case.

    Raises:
        InputError: what it lists are no looks.
    """
    return looks_from_json(content["stop"], str(path)) if "stop" in content else None


def extended_from(content: Mapping[str, Any], path: Path) -> tuple[int, ...]:
    """The numbers of seeds that a run had ended with before it was given more, ascending.

    Raises:
        InputError: what the manifest lists are not such numbers.
    """
    numbers = content.get("extended_from", [])
    if (
        not isinstance(numbers, list)
        or not all(type(number) is int for number in [*numbers, content.get("seeds")])
        or sorted({*numbers, content["seeds"]}) != [*numbers, content["seeds"]]
    ):
        raise InputError(
            f"{path}: extended_from = {numbers}: expected numbers of seeds below "
            f"{content.get('seeds')}, ascending"
        )
    return tuple(numbers)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    whole = dict(content) | {"sha256": digest(content)}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def _plan(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the plan, without what came of it."""
    rest = ("sha256", "stop", "extended_from")
    planned = {name: value for name, value in content.items() if name not in rest}
    return planned | {"looks": content.get("stop", {}).get("looks")}


def _design(content: Mapping[str, Any]) -> tuple[Any, Any]:
    """How many seeds are trained, and when that is looked at."""
    return content["seeds"], content.get("stop", {}).get("looks")


def _ended_with(before: Mapping[str, Any], path: Path, ended: Collection[str]) -> int | None:
    """The number of seeds that a run has ended with; None where it has not ended."""
    looks, trials = looks_of(before, path), before["trials"]
    if looks is not None:
        if not looks.over:
            return None
        trials = [
            trial for trial in trials if looks.fate(trial["cell"], trial["seed"]) is Fate.TRAINED
        ]
    if not {trial["key"] for trial in trials} <= set(ended):
        return None
    seeds: int = before["seeds"] if looks is None else looks.seeds
    return seeds


def _cells(trials: Iterable[Mapping[str, Any]]) -> list[str]:
    """The cells of a manifest, in the order of the study."""
    return list(dict.fromkeys(trial["cell"] for trial in trials))
