"""Trials over growth whose optimum is known."""

import json
import math

import numpy as np
import pandas as pd

from ablate.analysis import growth
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.study.trial_json import to_json

WIDTHS = {
    0.5: (26, 12, 6),
    1.0: (23, 25, 25),
    1.41: (21, 28, 40),
    2.0: (16, 32, 64),
    2.5: (13, 31, 78),
    3.0: (10, 30, 88),
    4.0: (6, 25, 101),
}


def trials(
    rng: np.random.Generator,
    best: float = 2.0,
    seeds: int = 8,
    noise: float = 0.005,
    cubic: float = 0.0,
    **net: object,
) -> pd.DataFrame:
    """A study of growth whose true accuracy is 0.85 at `best` and falls from there."""
    rows = []
    for seed in range(seeds):
        shared = rng.normal(0, noise)
        for ratio, widths in WIDTHS.items():
            spec = TrialSpec(
                net=NetSpec(widths=widths, **net), train=TrainSpec(), data=DataSpec(), seed=seed
            )
            place = math.log2(growth.growth_of(json.dumps(widths)) / best)
            truth = 0.85 - 0.01 * place**2 + cubic * place**3
            rows.append(
                {
                    "cell": f"r = {ratio:g}{' '.join(map(str, net.values()))}",
                    "axis_growth": f"r = {ratio:g}",
                    "axis_net": str(net),
                    "seed": seed,
                    "state": "complete",
                    "match": "macs",
                    "widths": json.dumps(widths),
                    "spec": to_json(spec),
                    "test_accuracy": truth + shared + rng.normal(0, noise),
                }
            )
    return pd.DataFrame(rows)
