"""Each shipped study of kind `table`, run by its command on a small table that is made here."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.study.find import find_studies, kind_of
from ablate.study.toml_file import read_toml
from ablate.tables import power, shapes
from support.commands import command
from support.drawings import undrawn

SHIPPED = sorted(
    name for name, path in find_studies().items() if kind_of(read_toml(path)) == "table"
)
RNG = np.random.default_rng(0)


def size_space() -> pd.DataFrame:
    """As NATS-Bench's size space, some of it: accuracy rises with compute and with growth."""
    grid = np.arange(8, 65, 8)
    whole = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    proper = whole[:, [0, 1, 1, 2, 2]]
    others = RNG.choice(grid, (300, 5))
    c = np.vstack([proper, others, [[16, 32, 32, 64, 64]]]).astype(float)
    macs = 9e4 + 3.6e4 * c[:, 0] + 1e4 * (c[:, 0] * c[:, 2] + c[:, 2] ** 2) + 5e3 * c[:, 4] ** 2
    frame = pd.DataFrame(c.astype(int), columns=[f"c{place}" for place in range(5)])
    frame["macs"] = 43_172_480 * macs / macs[-1]
    frame["params"] = 60 * (c[:, 0] ** 2 + c[:, 2] ** 2 + c[:, 4] ** 2)
    frame["activations"] = 3072 * c[:, 0] + 1536 * c[:, 2] + 768 * c[:, 4]
    growth = np.log2(c[:, 4] / c[:, 0]) / 2
    accuracy = 40 + 3 * np.log2(frame["macs"] / 1e6) - (growth - 1.1) ** 2
    for name in ("cifar10_valid", "cifar100_valid", "imagenet16_120_valid"):
        frame[name] = accuracy + RNG.normal(0, 0.3, len(frame))
    return frame


def sweeps() -> pd.DataFrame:
    """As the sweeps of NDS: random networks with a learning rate and a decay, and two repeated."""
    rows = []
    for sweep, stages in (
        *(("ResNet_lr-wd_in", 4), ("Vanilla_lr-wd_in", 4)),
        *(("ResNeXt-A_in", 3), ("ResNeXt-B_in", 3)),
    ):
        for place in range(150):
            widths = np.round(2 ** RNG.uniform(4, 8, stages)).astype(int)
            depths = RNG.integers(1, 9, stages)
            flops = float(1.1e9 * (widths * depths).sum() / 2000) / (5 if "X" in sweep else 1)
            growth = np.log2(widths[-1] / widths[0]) / (stages - 1)
            error = 60 - 8 * np.log2(flops / 1e9) - 4 * growth + RNG.normal(0, 2)
            rows.append(
                {
                    "sweep": sweep,
                    "group": "",
                    "seed": 1,
                    "widths": ":".join(map(str, [32, *widths])),
                    "depths": ":".join(map(str, [1, *depths])),
                    "flops": flops,
                    "params": flops / 400,
                    "base_lr": 10 ** RNG.uniform(-3, 0),
                    "wd": 10 ** RNG.uniform(-5, -2),
                    "min_test_err": 95.0 if place < 3 else float(np.clip(error, 5, 89)),
                    "last_test_err": float(np.clip(error, 5, 89)),
                }
            )
    for group, mean in (("top", 5.1), ("mid", 6.6)):
        errors = RNG.normal(mean, 0.2, 20)
        rows += [
            {"sweep": "ResNet_reruns", "group": group, "seed": seed, "widths": "16:32:64"}
            | {"depths": "1:1:1", "flops": 3e8, "params": 7e5, "base_lr": 0.1, "wd": 1e-4}
            | {"min_test_err": error, "last_test_err": error}
            for seed, error in enumerate(errors)
        ]
    return pd.DataFrame(rows)


def timings() -> pd.DataFrame:
    """As timm's benchmarks: a CPU whose time goes with MACs, a GPU whose time goes with both."""
    rows = []
    macs, activations = 2 ** RNG.uniform(-2, 4, 60), 2 ** RNG.uniform(1, 6, 60)
    for device, mode, precision, a, b in (
        ("cpu-i9_10940x-dynamo", "infer", "fp32", 0.8, 0.05),
        ("cu124-rtx3090", "infer", "amp", 0.35, 0.6),
        ("cu124-rtx4090", "infer", "amp", 0.25, 0.75),
    ):
        seconds = 1e-4 * macs**a * activations**b * np.exp(RNG.normal(0, 0.05, 60))
        rows += [
            {"device": device, "mode": mode, "precision": precision, "layout": "nchw"}
            | {"torch": "pt240", "model": f"net{place}", "samples_per_sec": 1 / seconds[place]}
            | {"batch_size": 256.0, "img_size": 224, "gmacs": macs[place]}
            | {"macts": activations[place], "param_count": 10.0, "family": f"family{place % 8}"}
            for place in range(60)
        ]
    return pd.DataFrame(rows)


def zoo() -> pd.DataFrame:
    """As the zoo of pycls: two families that a search found, two by hand, one without widths."""
    rows = []
    for family, count in (
        *(("RegNetX", 12), ("RegNetY", 12)),
        *(("ResNet", 3), ("ResNeXt", 3), ("EfficientNet", 6)),
    ):
        for place in range(count):
            growth = {"Reg": RNG.normal(2.3, 0.2), "Res": 2.0, "Eff": np.nan}[family[:3]]
            multiplier = growth + 0.05 if family[:3] == "Reg" else np.nan
            rows.append(
                {
                    "model": f"{family}-{place}",
                    "mean stage growth": growth,
                    "wm": multiplier,
                    "flops": 1e9,
                }
            )
    return pd.DataFrame(rows)


MADE = {"nats_sss_90ep": size_space, "nds_imagenet": sweeps, "timm_throughput": timings}
MADE |= {"pycls_model_zoo": zoo}


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_answered(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "DRAWS", 20)
    monkeypatch.setattr(power, "DRAWS", 50)
    text = find_studies()[name].read_text(encoding="utf-8")
    table = re.search(r'file = "(\w+)\.csv"', text)
    assert table is not None
    path = tmp_path / f"{table[1]}.csv"
    MADE[table[1]]().to_csv(path, index=False)
    study = tmp_path / f"{name}.toml"
    study.write_text(re.sub(r'(?m)^sha256 = ".*"\n', "", text), encoding="utf-8")
    with undrawn():
        status, out, errors = command(
            *("--study", str(study), "--table", str(path), "--out", str(tmp_path / "out"))
        )
    assert (status, errors) == (0, "")
    assert "But: " in out
    (page,) = (tmp_path / "out" / name).glob("*/report.html")
    assert page.stat().st_size > 10_000


def test_the_shipped_table_is_refused_where_it_is_another(tmp_path: Path) -> None:
    path = tmp_path / "nats_sss_90ep.csv"
    size_space().to_csv(path, index=False)
    status, _, errors = command(
        *("--study", "nats_iso_macs", "--table", str(path), "--out", str(tmp_path / "out"))
    )
    assert status == 2
    assert "another table" in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()
