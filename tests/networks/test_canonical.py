"""One way to write a network: what is built alike is alike, what is not stays apart."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.networks.canonical import canonical, description, tuples
from ablate.networks.presets import PRESETS
from ablate.spec.network import NetSpec

DEEP = NetSpec(widths=(1, 4, 8), stem="deep", stem_width=2)
TWO = NetSpec(widths=(4, (8, 9)), depths=(2, 2), strides=(1, 2))


@pytest.mark.parametrize(
    "net",
    [
        NetSpec(),
        TWO,
        DEEP,  # which could not be built without its stem's width
        NetSpec(stem_width=3, block="bottleneck", expansion=2),
        *PRESETS.values(),
    ],
)
def test_what_says_no_more_than_it_must_stays(net: NetSpec) -> None:
    spare = replace(net, stem_width=None) if net.stem_out == net.block_widths[0][0] else net
    assert canonical(net) == spare


@pytest.mark.parametrize(
    ("net", "same"),
    [
        (replace(TWO, widths=((4, 4), (8, 9))), TWO),
        (replace(TWO, stem_width=4), TWO),
        (NetSpec(expansion=1), NetSpec()),
        (NetSpec(block="bottleneck", expansion=4), NetSpec(block="bottleneck")),
    ],
)
def test_what_goes_without_saying_is_left_out(net: NetSpec, same: NetSpec) -> None:
    assert canonical(net) == same != net


WIDTHS = st.one_of(st.integers(1, 2), st.tuples(*[st.integers(1, 2)] * 2))
NETS = st.builds(
    NetSpec,
    widths=st.tuples(WIDTHS, WIDTHS),
    depths=st.just((2, 2)),
    strides=st.just((1, 2)),
    block=st.just("bottleneck"),
    width_per_group=st.just(64),
    expansion=st.sampled_from([None, 2, 4]),
    stem_width=st.sampled_from([None, 1, 2]),
)


@given(NETS, NETS)
def test_two_are_written_alike_just_where_they_are_built_alike(one: NetSpec, two: NetSpec) -> None:
    alike = (one.stem_out, list(one.blocks())) == (two.stem_out, list(two.blocks()))
    assert (canonical(one) == canonical(two)) == alike
    assert canonical(canonical(one)) == canonical(one)


@pytest.mark.parametrize("net", [TWO, DEEP, NetSpec(block="bottleneck", image_size=8)])
def test_a_description_names_every_field_and_gives_the_network_again(net: NetSpec) -> None:
    read = json.loads(json.dumps(description(net)))
    assert list(read) == [field.name for field in fields(NetSpec)]
    assert NetSpec(**{key: tuples(value) for key, value in read.items()}) == net
