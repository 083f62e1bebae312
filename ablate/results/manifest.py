"""The plan of a run on disk: every trial that its table will hold, by key."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import InputError
from ablate.files import aside, replacing
from ablate.results.names import MANIFEST
from ablate.study.plan import Study

SCHEMA = 1


@dataclass(frozen=True)
class Change:
    """How a plan differs from the one before: keys of trials."""

    new: frozenset[str]
    kept: frozenset[str]
    orphaned: frozenset[str]

    def __str__(self) -> str:
        return (
            f"the plan has changed: {len(self.new)} trials are new, {len(self.kept)} are kept, "
            f"{len(self.orphaned)} are no longer in it"
        )


def manifest_of(study: Study) -> dict[str, Any]:
    """A study's plan as JSON values, with the hash of all the rest as `sha256`."""
    content = {
        "schema": SCHEMA,
        "study": study.name,
        "dataset": study.data.name,
        "study_file_sha256": hashlib.sha256(study.source.encode()).hexdigest(),
        "seeds": study.seeds,
        "trials": [
            {"key": planned.spec.key, "cell": planned.cell.name, "seed": planned.spec.seed}
            for planned in study.plan()
        ],
    }
    return content | {"sha256": digest(content)}


def digest(content: dict[str, Any]) -> str:
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


def write_manifest(folder: Path, study: Study) -> Change | None:
    """Write a run's manifest where there is none; call it under the folder's lock.

    Returns:
        Where the plan is another than before, how it differs; the old one is kept aside.
    """
    path, now = folder / MANIFEST, manifest_of(study)
    before = read_manifest(path)
    if before == now:
        return None
    if before is not None:
        path.rename(aside(path))
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    if before is None:
        return None
    old, new = ({trial["key"] for trial in plan["trials"]} for plan in (before, now))
    if old == new:
        return None
    return Change(frozenset(new - old), frozenset(new & old), frozenset(old - new))
