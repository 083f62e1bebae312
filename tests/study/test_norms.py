"""What torch cannot normalise is refused when a study is read, and nothing else is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.errors import InputError
from ablate.networks.cost import fewest_normed
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.study.norms import check_norms
from ablate.study.plan import load_study
from support.nets import EXAMPLES, net_specs

pytestmark = pytest.mark.usefixtures("one_thread")


def trains(net: NetSpec, batch: int) -> bool:
    """Whether torch takes a step's forward pass."""
    images = torch.randn(batch, net.in_channels, net.image_size, net.image_size)
    network = build(net).train()
    try:
        network(images)
    except ValueError as error:
        return "Expected more than 1 value" not in str(error)
    return True


@EXAMPLES
@given(net_specs(), st.integers(1, 2), st.sampled_from([1, 2, 4, 5]))
def test_what_is_refused_is_what_torch_refuses(net: NetSpec, batch: int, size: int) -> None:
    net = replace(net, image_size=size)
    assert (fewest_normed(net, batch) != 1) == trains(net, batch)


@pytest.mark.parametrize(
    ("changes", "batch", "fine"),
    [
        ({"image_size": 4}, 1, False),
        ({"image_size": 4}, 2, True),
        ({"image_size": 8}, 1, True),
        ({"image_size": 4, "norm": "group"}, 1, True),
        ({"image_size": 4, "norm": "group", "norm_groups": 16}, 1, True),
        ({"image_size": 4, "norm": "group", "norm_groups": 16, "widths": (16,) * 3}, 1, False),
        ({"image_size": 4, "norm": "group", "norm_groups": 16, "widths": (16,) * 3}, 2, True),
        ({"image_size": 4, "norm": "none"}, 1, True),
    ],
    ids=str,
)
def test_the_smallest_map_decides(changes: dict[str, Any], batch: int, fine: bool) -> None:
    net = NetSpec(**changes)
    assert trains(net, batch) == fine
    if fine:
        check_norms("train.batch_size", [("a", net, batch)])
    else:
        with pytest.raises(InputError, match=rf"train.batch_size = {batch}: the \w+ norm of a "):
            check_norms("train.batch_size", [("a", net, batch)])


def test_the_arm_is_named_when_the_study_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(
        """question = "?"
baseline = "wide"
[net]
base_width = 4
[train]
batch_size = 1
[axes.map]
wide = { strides = [1, 2, 2] }
small = { strides = [2, 2, 2] }
"""
    )
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert str(caught.value) == (
        f"{path}: train.batch_size = 1: the batch norm of small would have one value a channel in "
        "its smallest map, of 1 x 1 pixels; expected 2 images or more"
    )


def test_a_table_is_no_study() -> None:
    from ablate.study.find import find_study

    with pytest.raises(InputError, match="judges a table and trains nothing"):
        load_study(find_study("nats_iso_macs"))
