"""Fits the terms of each device to a table of timings, and says how well they tell others.

`python -m benchmarks.gpu_prediction TABLE.csv --out fits.json` counts the operators of each
network that the table names, built by timm without weights. The columns: see docs/speed.md.
"""

import argparse
import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ablate.networks.elsewhere.operators import count_operators
from ablate.networks.elsewhere.prediction import TERMS, Operators
from benchmarks.relative import positive_terms, told_over_true

CITE = "huggingface/pytorch-image-models, results/benchmark-*.csv"
LICENCE = "Apache-2.0"
FOLDS = 20  # of networks; families are left out one by one
DIGITS = 5
KINDS = ["device", "mode", "precision", "layout", "torch"]
Counts = Mapping[tuple[str, int], Operators]


def count_networks(table: pd.DataFrame) -> dict[tuple[str, int], Operators]:
    """The operators of each network and image side of the table that timm can build."""
    import timm

    counts = {}
    for model, rows in table.groupby("model"):
        name = str(model).partition(".")[0]
        if not timm.is_model(name):
            continue
        with warnings.catch_warnings(), torch.device("meta"):
            warnings.simplefilter("ignore")
            network = timm.create_model(name)
        for side in sorted({int(side) for side in rows["img_size"]}):
            counts[str(model), side] = count_operators(network, 3, side)
    return counts


def fit_table(table: pd.DataFrame, counts: Counts) -> list[dict[str, Any]]:
    """The terms of each device of a table, as the file has them."""
    pairs = zip(table["model"], table["img_size"].astype(int), strict=True)
    counted = table[[pair in counts for pair in pairs]]
    fits = [
        {**named(dict(zip(KINDS, kind, strict=True))), **fit_device(rows, counts)}
        for kind, rows in counted.groupby(KINDS)
    ]
    return sorted(fits, key=lambda fit: (fit["device"], fit["mode"], fit["torch"], fit["layout"]))


def named(kind: Mapping[str, str]) -> dict[str, Any]:
    """`cu124-rtx4090-dynamo` and `pt240`: rtx4090, by torch 2.4.0 and CUDA 12.4, compiled."""
    found = re.fullmatch(r"(?:cu(\d+)-)?(?:cpu-)?(.+?)(-dynamo)?", kind["device"])
    assert found is not None
    cuda, device, dynamo = found.groups()
    version = re.fullmatch(r"pt(1)(\d\d)|pt(\d)(\d+)(\d)", kind["torch"])
    said = ".".join(filter(None, version.groups())) if version else kind["torch"]
    return {
        **kind,
        "device": f"rtx{device}" if device.isdigit() else device,
        "torch": said + (f", CUDA {cuda[:-1]}.{cuda[-1]}" if cuda else ""),
        "compiled": dynamo is not None,
    }


def fit_device(rows: pd.DataFrame, counts: Counts) -> dict[str, Any]:
    """The terms of one device, the range that was fitted, and the errors of what was left out."""
    batches = [int(batch) for batch in rows["batch_size"]]
    networks = [
        counts[model, int(side)]
        for model, side in zip(rows["model"], rows["img_size"], strict=True)
    ]
    pairs = list(zip(networks, batches, strict=True))
    costs = np.array([network.costs(batch) for network, batch in pairs])
    extents = pd.DataFrame([network.extents(batch) for network, batch in pairs])
    times = 1 / rows["samples_per_sec"].to_numpy(float)
    of_models = told_over_true(costs, times, list(rows["model"]), FOLDS)
    of_families = told_over_true(costs, times, list(rows["family"]))
    return {
        "seconds": dict(zip(TERMS, rounded(positive_terms(costs, times)), strict=True)),
        "ranges": {name: rounded([extents[name].min(), extents[name].max()]) for name in extents},
        "timings": len(rows),
        "networks": int(rows["model"].nunique()),
        "families": int(rows["family"].nunique()),
        "error_models": rounded([np.median(np.abs(of_models - 1))])[0],
        "error_families": rounded([np.median(np.abs(of_families - 1))])[0],
        "interval": rounded(np.quantile(of_families, [0.05, 0.95])),
    }


def rounded(values: Any) -> list[float]:
    """To so many digits as two machines agree on."""
    return [float(f"{value:.{DIGITS}g}") for value in values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, help="the file to write; nothing is written without")
    parser.add_argument("--cite", default=CITE)
    parser.add_argument("--licence", default=LICENCE)
    args = parser.parse_args()
    table = pd.read_csv(args.table)
    counts = count_networks(table)
    fits = fit_table(table, counts)
    left = sorted({*table["model"]} - {model for model, _ in counts})
    print(f"{len(table)} timings; timm has no network named {', '.join(left) or '(none)'}")
    titles = [*KINDS, "compiled", "timings", "networks", "error_models", "error_families"]
    print(pd.DataFrame(fits)[[*titles, "interval"]].to_string(index=False))
    if args.out is not None:
        source = {
            "cite": args.cite,
            "licence": args.licence,
            "sha256": hashlib.sha256(args.table.read_bytes()).hexdigest(),
            "fitted": datetime.now(UTC).date().isoformat(),
        }
        text = json.dumps({"source": source, "devices": fits}, indent=1)
        text = re.sub(r"\[\s+([^][{}]+?),\s+([^][{}]+?)\s+\]", r"[\1, \2]", text)  # pairs
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
