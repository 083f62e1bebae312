"""The space: what a point of it is as a network, what may not be trained, and faults of a file."""

from typing import Any

import pytest

from ablate.errors import InputError
from ablate.networks import cost as networks_cost
from ablate.search.space import Limit, Parameter, Space, read_space
from ablate.spec.network import NetSpec

IMAGE = {"num_classes": 10, "in_channels": 1, "image_size": 8}
LAYERS = [("net", {"depths": [1, 1, 1]})]


def space(**axes: Any) -> Space:
    return read_space("s.toml", axes, LAYERS, IMAGE)


def test_a_point_is_a_network() -> None:
    found = space(
        base_width={"from": 2, "to": 8},
        growth={"from": 1.0, "to": 3.0, "step": 0.5},
        depths={"stages": 3, "choices": [1, 3]},
        strides=[[1, 2, 2], [2, 1, 2]],
        branch={
            "v1": {"block": "bottleneck", "stride_conv": "1x1"},
            "basic": {"block": "basic"},
        },
    )
    net = found.network(
        {
            "base_width": 4,
            "growth": 1.5,
            "depths 1": "1",
            "depths 2": "3",
            "depths 3": "1",
            "strides": "[2, 1, 2]",
            "branch": "v1",
        }
    )
    assert (net.widths, net.depths, net.strides) == ((4, 6, 9), (1, 3, 1), (2, 1, 2))
    assert (net.block, net.stride_conv, net.image_size) == ("bottleneck", "1x1", 8)


def test_parameters_are_in_order_and_say_what_may_be_chosen() -> None:
    found = space(
        depths={"stages": 2, "from": 1, "to": 4}, widths=[[4, 8]], strides=[[1, 2]], preact=[False]
    )
    assert found.parameters == (
        Parameter(name="depths 1", low=1, high=4),
        Parameter(name="depths 2", low=1, high=4),
        Parameter(name="widths", choices=("[4, 8]",)),
        Parameter(name="strides", choices=("[1, 2]",)),
        Parameter(name="preact", choices=("false",)),
    )
    assert found.parameters[0].whole
    assert not Parameter(name="growth", low=1.0, high=2.0).whole


def test_the_network_of_a_point_is_written_in_one_way() -> None:
    found = space(widths=[[4, 8, 8], [[4], [8], [8]]], stem_width=[4, 5])
    nets = [
        found.network({"widths": widths, "stem_width": stem})
        for widths in ("[4, 8, 8]", "[[4], [8], [8]]")
        for stem in ("4", "5")
    ]
    assert nets[:2] == nets[2:]
    assert (nets[0].widths, nets[0].stem_width, nets[1].stem_width) == ((4, 8, 8), None, 5)


def test_limits_tell_by_how_much_a_network_is_beyond_them() -> None:
    net = NetSpec(**IMAGE)
    cost = networks_cost.count(net)
    limits = (
        Limit(quantity="macs", bound=cost.macs / 2, at_most=True),
        Limit(quantity="params", bound=cost.params * 2, at_most=False),
        Limit(quantity="activations", bound=cost.activations, at_most=True),
    )
    found = Space(file="s.toml", layers=(), image=IMAGE, axes=(), limits=limits).excesses(net)
    assert found == {"macs_at_most": 1.0, "params_at_least": 0.5, "activations_at_most": 0.0}


@pytest.mark.parametrize(
    ("axes", "line"),
    [
        ({"grwth": [1, 2]}, "unknown key (did you mean growth?)"),
        ({"growth": "2"}, "space.growth = '2': expected a list, a range, or a table of arms"),
        ({"growth": []}, "space.growth = []: expected one value or more, each once"),
        ({"growth": [2.0, 2.0]}, "each once"),
        ({"shortcut": ["A", "E"]}, "space.shortcut = 'E', with the first of every other axis"),
        ({"base_width": {"from": 8, "to": 2}}, "space.base_width: from = 8, to = 2: expected"),
        ({"base_width": {"from": 2}}, "expected numbers that rise"),
        ({"base_width": {"from": 2, "to": 9, "step": 3}}, "a step that leads from 2 to 9"),
        ({"base_width": {"from": 2, "to": 9, "by": 3}}, "space.base_width.by: unknown key"),
        ({"growth": {"from": 0.0, "to": 2.0, "log": True}}, "space.growth.log = True: expected"),
        ({"base_width": {"from": 0, "to": 2}}, "space.base_width = 0"),
        ({"depths": {"stages": 0, "from": 1, "to": 2}}, "space.depths.stages = 0: expected 1 to"),
        ({"depths": {"stages": 3, "choices": [1], "from": 1}}, "no range beside it"),
        ({"depths": {"stages": 4, "from": 1, "to": 2}}, "expected"),
        ({"image_size": [8, 16]}, "set by the dataset"),
        (
            {"growth": [1, 2], "rule": {"a": {"growth": 2.0}, "b": {"widen": 4.0}}},
            "space.rule and space.growth both set growth",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_key(axes: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as caught:
        space(**axes)
    message = str(caught.value)
    assert message.startswith("s.toml: ")
    assert line in message
    assert "\n" not in message
