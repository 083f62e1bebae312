"""What a search leaves in its run's folder: written from its trials, read again for the report."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import files
from ablate.errors import InputError
from ablate.results.csv import read_table, write_table
from ablate.results.names import COMPARISONS, HYPERVOLUME, NETWORKS, SEARCH, SEARCH_FILE
from ablate.search import front
from ablate.search.baseline import Baseline, Timing, read_baseline
from ablate.search.file import SearchFile, read_search_file
from ablate.search.plan import Search
from ablate.spec.trial import content_hash

COLUMNS = {
    "sampler": "string",
    "repeat": "Int64",
    "number": "Int64",
    "sampler_seed": "Int64",
    "point": "string",
    "state": "string",
    "feasible": "boolean",
    "repeated": "boolean",
    "keys": "string",
    "net": "string",
    "val_accuracy": "Float64",
    "n": "Int64",
    "widths": "string",
    "depths": "string",
    "params": "Int64",
    "macs": "Int64",
    "activations": "Int64",
    "latency": "Float64",
    "train_macs": "Float64",
    "seconds": "Float64",
    "network": "string",
}


@dataclass(frozen=True, kw_only=True)
class Explored:
    """What a search found.

    Args:
        file: its file.
        rows: of `search.csv`, one a trial that a sampler was told.
        networks: of `networks.csv`: see `front.networks`; `finalist` names those that were
            confirmed.
        hypervolumes: of `front.hypervolumes`.
        comparisons: of `front.compare`.
        baseline: what it costs; None where an earlier version made the tables.
    """

    file: SearchFile
    rows: pd.DataFrame
    networks: pd.DataFrame
    hypervolumes: pd.DataFrame
    comparisons: pd.DataFrame
    baseline: Baseline | None = None

    @property
    def timing(self) -> Timing | None:
        """How latencies were measured, where they were."""
        return None if self.baseline is None else self.baseline.timing

    @property
    def reference(self) -> dict[str, float]:
        """The reference in numbers; NaN for a cost of a baseline that is not known."""
        costs = self.baseline.costs if self.baseline else {}
        return {
            name: costs.get(name, math.nan) if bound == "baseline" else float(bound)
            for name, bound in self.file.reference.items()
        }


def to_frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows of `search.csv` with its columns and types, whatever is missing."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(COLUMNS)


def write_explored(folder: Path, search: Search, rows: Iterable[dict[str, Any]]) -> Explored:
    """Write the tables of a search, as far as it has come, and return what they hold.

    Args:
        folder: of the run.
        search: what was looked for.
        rows: of `SearchQueue.rows`.
    """
    table = to_frame(rows)
    found = front.networks(table, search.reference)
    count, baseline = search.file.search.finalists, content_hash(search.baseline)
    finalists = front.choose(found, search.reference, count, baseline)
    found["finalist"] = found["net"].map(dict(finalists[["net", "finalist"]].to_numpy()))
    volumes = front.hypervolumes(table, search.reference)
    comparisons = front.compare(volumes, search.file.comparisons)
    write_table(table, folder / SEARCH)
    write_table(found, folder / NETWORKS)
    write_table(volumes, folder / HYPERVOLUME)
    write_table(comparisons, folder / COMPARISONS)
    with files.replacing(folder / SEARCH_FILE) as temporary:
        temporary.write_text(search.source, encoding="utf-8")
    return read_explored(folder)


def read_explored(folder: Path) -> Explored:
    """What the search in a folder found; raises `InputError` where a table is not as it was."""
    text = {name: "string" for name, kind in COLUMNS.items() if kind == "string"}
    return Explored(
        file=read_search_file(folder / SEARCH_FILE),
        rows=_read(folder / SEARCH, COLUMNS),
        networks=_read(folder / NETWORKS, text | {"finalist": "string", "n": "Int64"}),
        hypervolumes=_read(folder / HYPERVOLUME, {"sampler": "string"}),
        comparisons=_read(folder / COMPARISONS, {"name": "string", "says": "string"}),
        baseline=read_baseline(folder),
    )


def is_search(folder: Path) -> bool:
    """Whether the run in a folder was a search."""
    return (folder / SEARCH).exists()


def _read(path: Path, types: dict[str, str]) -> pd.DataFrame:
    """A plain table; raises `InputError` where it cannot be read or is not as it was written."""
    try:
        frame = read_table(path)
        return frame.astype({name: kind for name, kind in types.items() if name in frame})
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such table") from error
    except (ValueError, TypeError, OSError) as error:
        raise InputError(f"{path}: not a table of a search: {error}") from error
