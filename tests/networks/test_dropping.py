"""Stochastic depth and dropout: in training alone, at the rates that were asked for."""

import pytest
import torch
from torch import nn

from ablate.networks.model import Block, build
from ablate.networks.parts import DropPath
from ablate.spec.network import NetSpec

pytestmark = pytest.mark.usefixtures("one_thread")


def test_rates_fall_in_equal_steps_to_none_at_the_stem() -> None:
    """Huang et al. 2016, eq. 4: block l of L is kept with 1 - l / L (1 - p_L)."""
    network = build(NetSpec(depths=(1, 3, 1), drop_path=0.5))
    rates = [module.rate for module in network.modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_an_image_is_kept_or_dropped_as_a_whole() -> None:
    torch.manual_seed(0)
    found = DropPath(0.25)(torch.ones(4000, 2, 3, 3))
    values, counts = found.flatten(1).unique(dim=0, return_counts=True)
    torch.testing.assert_close(values, torch.tensor([[0.0], [4 / 3]]).expand(2, 18))
    assert int(counts[1]) == pytest.approx(3000, abs=120)  # more than four standard deviations


@pytest.mark.parametrize("name", ["drop_path", "dropout"])
def test_nothing_is_dropped_in_eval_mode(name: str) -> None:
    torch.manual_seed(1)
    with_it = build(NetSpec(**{name: 0.9}))
    torch.manual_seed(1)
    without = build(NetSpec())
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(with_it.eval()(images), without.eval()(images))
    assert list(with_it.state_dict()) == list(without.state_dict())
    assert not torch.equal(with_it.train()(images), without.train()(images))


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_dropout_comes_right_before_the_last_convolution(block: str) -> None:
    network = build(NetSpec(block=block, dropout=0.3, downsample="max"))  # type: ignore[arg-type]
    for found in (module for module in network.modules() if isinstance(module, Block)):
        names = list(dict(found.branch.named_children()))
        last = 2 if block == "basic" else 3
        assert names.index("dropout") == names.index(f"conv{last}") - 1
        dropout = found.branch.get_submodule("dropout")
        assert isinstance(dropout, nn.Dropout)
        assert dropout.p == 0.3
