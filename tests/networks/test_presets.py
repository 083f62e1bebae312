"""The presets count what their authors, and other counters, say: `golden/counts.json`."""

import json
import subprocess
import sys
from typing import Any

import pytest
from torchvision.models import get_model_weights

from ablate.errors import InputError
from ablate.networks import cost, fvcore_cost
from ablate.networks.presets import PRESETS, preset
from ablate.spec.network import NetSpec
from support import ROOT
from support.published import TORCHVISION

pytestmark = pytest.mark.usefixtures("one_thread")

GOLDEN: dict[str, Any] = json.loads(
    (ROOT / "tests" / "golden" / "counts.json").read_text(encoding="utf-8")
)
ROWS = GOLDEN["counts"]
STATIC = [row for row in ROWS if row["quantity"] != "macs of all operators"]
TRACED = [row for row in ROWS if row["quantity"] == "macs of all operators"]


def rounded(number: int, like: str) -> str:
    """The number as `like` is printed: `1,234`, or in millions or billions to as many digits."""
    units = {"M": 1e6, "G": 1e9}
    if like[-1] not in units:
        return f"{number:,}"
    digits = len(like[:-1].partition(".")[2])
    return f"{number / units[like[-1]]:.{digits}f}{like[-1]}"


def row_id(row: dict[str, str]) -> str:
    return f"{row['preset']} {row['quantity']} {row['source']}"


@pytest.mark.parametrize("row", STATIC, ids=row_id)
def test_published_counts(row: dict[str, str]) -> None:
    spec = preset(row["preset"])
    total = cost.count(spec)
    found = {
        "params": total.params,
        "macs": total.macs,
        "macs and bias": total.macs + spec.num_classes,
        "activations": total.activations,
    }
    assert rounded(found[row["quantity"]], row["value"]) == row["value"]


@pytest.mark.parametrize("row", TRACED, ids=row_id)
def test_published_counts_with_norms_and_pooling(row: dict[str, str]) -> None:
    assert (
        rounded(fvcore_cost.measure(preset(row["preset"])).macs_total, row["value"]) == row["value"]
    )


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_counts(name: str) -> None:
    total = cost.count(preset(name))
    for weights in get_model_weights(name):
        assert total.params == weights.meta["num_params"]
        assert round(total.macs / 1e9, 3) == weights.meta["_ops"]


def test_every_preset_has_its_source() -> None:
    assert {row["preset"] for row in ROWS} | set(TORCHVISION) == set(PRESETS)
    assert {row["source"] for row in ROWS} == set(GOLDEN["sources"])


def test_presets_differ() -> None:
    assert len(set(PRESETS.values())) == len(PRESETS)


def test_a_preset_by_name() -> None:
    assert preset("cifar_resnet20") == NetSpec(depths=(3, 3, 3), shortcut="A")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("resnet5O", "resnet50"),
        ("WRN-28-10", "wrn_28_10"),
        ("cifar_resnet_20", "cifar_resnet20"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(InputError, match=f"'{name}'.*did you mean {nearest}\\?") as caught:
        preset(name)
    assert caught.value.key == "preset"
    with pytest.raises(InputError, match=r"no network has that name: expected one of resnet18, "):
        preset("nothing like it")


def test_presets_need_no_torch() -> None:
    code = (
        "import sys, ablate.networks.presets, ablate.networks.weights.pretrained; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
