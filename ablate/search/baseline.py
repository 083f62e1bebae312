"""What the baseline of a search costs, and how latencies were measured: `baseline.csv`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.analysis.wording import plural
from ablate.errors import InputError
from ablate.networks.cost import count
from ablate.results.csv import read_table, write_table
from ablate.results.names import BASELINE
from ablate.search.file import LATENCY
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How latencies were measured, and whether they are to be trusted.

    Args:
        latency_batch, latency_threads: images a batch, CPU threads.
        latency_device: `cpu: ...` or `cuda: ...`.
        latency: of the baseline: inference of a batch, the median over blocks, milliseconds.
        latency_control: the baseline's speed over its own, timed as two networks; 1 if all is well.
        latency_control_low, latency_control_high: its 95% interval.
        latency_control_off: whether the two were not equal: then no latency is to be trusted.
    """

    latency_batch: int
    latency_threads: int
    latency_device: str
    latency: float
    latency_control: float
    latency_control_low: float
    latency_control_high: float
    latency_control_off: bool

    @property
    def words(self) -> str:
        """As `a batch of 1, 1 thread`."""
        return f"a batch of {self.latency_batch}, {plural(self.latency_threads, 'thread')}"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What the baseline costs.

    Args:
        net: its content hash.
        params, macs, activations: for one image.
        timing: where networks were timed.
    """

    net: str
    params: int
    macs: int
    activations: int
    timing: Timing | None = None

    @property
    def costs(self) -> dict[str, float]:
        """By the names of objectives and limits; the latency is NaN where none was measured."""
        return {
            "params": self.params,
            "macs": self.macs,
            "activations": self.activations,
            LATENCY: math.nan if self.timing is None else self.timing.latency,
        }


def baseline_of(net: NetSpec, timing: Timing | None = None) -> Baseline:
    """The baseline as its network is counted, and as it was timed."""
    cost = count(net)
    return Baseline(
        net=content_hash(net),
        params=cost.params,
        macs=cost.macs,
        activations=cost.activations,
        timing=timing,
    )


def write_baseline(folder: Path, baseline: Baseline) -> None:
    """Write what is known of the baseline into a run's folder."""
    row = asdict(baseline)
    write_table(pd.DataFrame([row | (row.pop("timing") or {})]), folder / BASELINE)


def read_baseline(folder: Path) -> Baseline | None:
    """What a run knows of its baseline; None where an earlier version made it.

    Raises:
        InputError: the table is not as it was written.
    """
    path = folder / BASELINE
    if not path.exists():
        return None
    try:
        rows = read_table(path).to_dict("records")
        (row,) = ({str(name): value for name, value in row.items()} for row in rows)
        timing = Timing(**_values(Timing, row)) if "latency" in row else None
        return Baseline(**_values(Baseline, row), timing=timing)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InputError(f"{path}: not the table of a search's baseline: {error}") from error


def _values(kind: type[Timing | Baseline], row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that a dataclass has, each of its type."""
    types = (int, float, str, bool)
    wanted = {field.name: of for field in fields(kind) for of in types if field.type is of}
    return {name: of(row[name]) for name, of in wanted.items()}
