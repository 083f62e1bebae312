"""Trials as tables, with means and differences that are known."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablate.results import schema

NAN = math.nan


def trials_frame(
    outcomes: Mapping[str, Mapping[int, float | str]],
    costs: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """A trials table from cell -> seed -> test accuracy, or the state of a trial without one."""
    costs = costs or {}
    rows = [
        {**_row(cell, seed, outcome), **costs.get(cell, {})}
        for cell, seeds in outcomes.items()
        for seed, outcome in seeds.items()
    ]
    return schema.to_frame(rows)


def _row(cell: str, seed: int, outcome: float | str) -> dict[str, Any]:
    complete = not isinstance(outcome, str)
    return {
        "study": "synthetic",
        "dataset": "digits",
        "cell": cell,
        "axis_arm": cell,
        "seed": seed,
        "key": f"{cell}-{seed}",
        "net": cell,
        "state": "complete" if complete else outcome,
        "failure": None if complete else "why",
        "test_accuracy": outcome if complete else None,
        "val_accuracy": outcome if complete else None,
        "params": 175_258,
        "macs": 2_100_000,
        "macs_total": 2_200_000,
        "unsupported_ops": "{}",
        "activations": 60_000,
        "widths": "[16, 32, 64]",
        "depths": "[2, 2, 2]",
        "strides": "[1, 2, 2]",
        "shortcut": "B",
        "epochs": 5,
        "batch": 64,
        "train_images_per_s": 4_000.0,
        "train_images_per_s_iqr": 100.0,
        "infer_images_per_s": 12_300.0,
        "infer_images_per_s_iqr": 400.0,
        "throughput_batch": 256,
        "throughput_threads": 2,
        "device": "cpu: AMD EPYC 7302 16-Core Processor",
        "dtype": "float32",
        "memory_format": "contiguous",
        "os": "Linux x86_64",
        "versions": "{}",
        "started": "2026-11-01T10:00:00Z",
        "finished": "2026-11-01T10:00:02Z",
        "spec": "{}",
    }


def by_place(values: Sequence[float | str]) -> dict[int, float | str]:
    """Outcomes with the seeds 0, 1, 2, ..."""
    return dict(enumerate(values))


CONSTANT = (0.84, 0.86, 0.88, 0.83, 0.87, 0.85, 0.90)


DOUBLING = (0.95, 0.97, 0.96, 0.98, 0.96, 0.94, 0.97)


TRIPLING = (0.96, 0.97, 0.99, 0.97, 0.95, 0.96, 0.98)


def three_arms() -> pd.DataFrame:
    return trials_frame(
        {
            "constant": by_place(CONSTANT),
            "doubling": by_place(DOUBLING),
            "tripling": by_place(TRIPLING),
        }
    )


def grid(interaction: float, rng: np.random.Generator, seeds: int = 6) -> pd.DataFrame:
    rows = []
    for seed in range(seeds):
        shared = rng.normal(0, 0.01)
        for i, a in enumerate("xyz"):
            for j, b in enumerate("pq"):
                truth = 0.8 + 0.01 * i + 0.02 * j + interaction * i * j
                rows.append(
                    {
                        "cell": f"{a} / {b}",
                        "axis_growth": a,
                        "axis_down": b,
                        "seed": seed,
                        "state": "complete",
                        "test_accuracy": truth + shared + rng.normal(0, 0.005),
                    }
                )
    return pd.DataFrame(rows)
