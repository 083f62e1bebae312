"""Modules of one's own: found without being run, built, counted, and refused in a line."""

import ast
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
import torch
from hypothesis import given

from ablate.errors import InputError
from ablate.networks.built import count_stages_built
from ablate.networks.canonical import canonical, description, network_of
from ablate.networks.cost import count, count_stages
from ablate.networks.fvcore_cost import measure
from ablate.networks.model import build
from ablate.networks.own import check_own, source_hash
from ablate.networks.presets import preset
from ablate.networks.weights.formats import filled
from ablate.spec.network import NetSpec
from ablate.spec.own import Option, Use, in_file, use_of
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec, content_hash
from ablate.study.own import own_modules
from ablate.study.plan import load_study
from ablate.study.trial_json import to_json, trial_from_json
from support import ROOT
from support.nets import EXAMPLES, net_specs

EXAMPLE = ROOT / "examples" / "se_block.toml"
CODE = """
import pathlib
pathlib.Path(__file__).with_suffix(".imported").touch()
from torch import nn

def branch(in_width, out_width, stride, kernel=3):
    return nn.Sequential(nn.Conv2d(in_width, out_width, kernel, stride, kernel // 2))

def narrow(in_width, out_width, stride):
    return nn.Conv2d(in_width, 1, 3, stride, 1)

def deaf(width):
    return nn.Identity()

def broken(in_width, out_width, stride):
    raise RuntimeError("no such block,\\nreally")

def text(in_width, out_width, stride):
    return "a block"

def stem(in_channels, out_width):
    return nn.Conv2d(in_channels, out_width, 2, 2)

def norm(width):
    return nn.GroupNorm(1, width)

def act():
    return nn.Tanh()

def shortcut(in_width, out_width, stride):
    return nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(in_width, out_width, 1))

class Head(nn.Module):
    def __init__(self, in_width, num_classes):
        super().__init__()
        self.linear = nn.Linear(in_width, num_classes)

    def forward(self, x):
        return self.linear(x.amax((2, 3)))

def net(num_classes, in_channels, width=4):
    return nn.Sequential(nn.Conv2d(in_channels, width, 3), nn.Flatten(), nn.LazyLinear(num_classes))

def whole(num_classes, in_channels, width=4):
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(width, num_classes),
    )

number = 7
"""
STUDY = """question = "?"
baseline = "one"
seeds = 4
[net]
depths = [1, 1]
strides = [1, 2]
base_width = 4
[axes.block]
one = {{}}
other = {{ {other} }}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module of one's own, `mine`, beside a study file."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    yield path
    sys.modules.pop("mine", None)


def study(own: Path, other: str, more: str = "") -> Path:
    path = own.parent / "own.toml"
    path.write_text(STUDY.format(other=other) + more)
    return path


def net_of(own: Path, other: str) -> NetSpec:
    """The network of the other arm."""
    return load_study(study(own, other)).cells[1].net


def imported(own: Path) -> bool:
    return own.with_suffix(".imported").exists()


def test_the_example_is_short_and_its_cost_is_what_it_is() -> None:
    tree = ast.parse((EXAMPLE.parent / "blocks.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if getattr(node, "name", "") == "SEBasic")
    assert block.end_lineno is not None
    assert block.end_lineno - block.lineno < 15
    cells = {cell.name: cell for cell in load_study(EXAMPLE).cells}
    plain, gated = (cells[name].net for name in ("plain", "se_4"))
    widths = [width for stage in gated.block_widths for width in stage]
    gates = sum(2 * width * max(1, width // 4) + max(1, width // 4) + width for width in widths)
    same = replace(plain, widths=gated.widths)
    assert count(gated).params == count(same).params + gates
    assert count(gated).macs == measure(gated).macs
    matched = cells["se_4"].matched
    assert matched is not None
    assert abs(matched.residual) < 0.01


@EXAMPLES
@given(net_specs())
def test_a_built_network_is_counted_as_its_spec_is(net: NetSpec) -> None:
    built, counted = count_stages_built(net), count_stages(net)
    assert list(built) == list(counted)
    for stage, (size, cost) in counted.items():
        own_size, own = built[stage]
        assert own_size == size
        assert (own.params, own.macs, own.activations) == (
            cost.params,
            cost.macs,
            cost.activations,
        )


def test_reading_a_study_imports_nothing_and_building_does(own: Path) -> None:
    net = net_of(own, 'block = "mine:branch"')
    assert net.block == Use(use="mine:branch", source=source_hash("mine"))
    assert not imported(own)
    network = build(net)
    assert imported(own)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ('shortcut = "mine:shortcut"', "shortcut"),
        ('stem = "mine:stem"', "stem"),
        ('norm = "mine:norm"', "norm"),
        ('activation = "mine:act"', "activation"),
        ('head = "mine:Head"', "head"),
        ('net = "mine:whole"', "net"),
        ('block = { use = "mine:branch", kernel = 5 }', "block"),
        ('block = { use = "mine:branch", args = { kernel = 5 } }', "block"),
    ],
)
def test_every_part_can_be_ones_own(own: Path, other: str, part: str) -> None:
    net = net_of(own, other)
    network = build(net)
    cost, fvcore = count(net), measure(net)
    assert str(getattr(net, part)).startswith("mine:")
    assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    assert (cost.params, cost.macs) == (fvcore.params, fvcore.macs)
    assert cost.params == sum(weight.numel() for weight in network.parameters())


def test_settings_of_a_module_are_told_apart_and_may_stand_in_either_place(own: Path) -> None:
    beside = net_of(own, 'block = { use = "mine:branch", kernel = 5 }')
    within = net_of(own, 'block = { use = "mine:branch", args = { kernel = 5 } }')
    other = net_of(own, 'block = { use = "mine:branch", kernel = 7 }')
    assert beside == within
    assert content_hash(beside) != content_hash(other)
    assert count(beside).params < count(other).params


def test_edited_code_is_another_trial_and_is_not_built_as_the_old_one(own: Path) -> None:
    before = net_of(own, 'block = "mine:branch"')
    own.write_text(CODE.replace("kernel=3", "kernel=1"))
    after = net_of(own, 'block = "mine:branch"')
    assert content_hash(before) != content_hash(after)
    with pytest.raises(InputError, match="mine: is not the code that the trial was planned with"):
        build(before)


def test_a_description_goes_through_json(own: Path) -> None:
    net = net_of(own, 'block = { use = "mine:branch", args = { kernel = 5 } }')
    trial = TrialSpec(net=net, train=TrainSpec(), data=DataSpec(), seed=0)
    assert trial_from_json(to_json(trial)) == trial
    assert trial_from_json(to_json(trial)).key == trial.key
    assert network_of(json.loads(json.dumps(description(net)))) == canonical(net)


def test_a_whole_network_of_torchvision_counts_as_our_own() -> None:
    use = Use(use="torchvision.models:resnet18", source=source_hash("torchvision.models"))
    theirs = NetSpec(net=use, num_classes=1000, image_size=224)
    ours, cost = count(preset("resnet18")), count(theirs)
    assert (cost.params, cost.macs, cost.activations) == (ours.params, ours.macs, ours.activations)
    assert theirs.widths == theirs.depths == theirs.strides == ()
    assert content_hash(theirs) != content_hash(NetSpec(num_classes=1000, image_size=224))


def test_a_whole_network_replaces_what_is_said_of_all(own: Path) -> None:
    assert net_of(own, 'net = "mine:whole"') == NetSpec(
        net=Use(use="mine:whole", source=source_hash("mine")), in_channels=1, image_size=8
    )


def test_a_stage_can_have_a_block_of_ones_own(own: Path) -> None:
    path = study(own, 'block = ["basic", "mine:branch"], shortcut = ["mine:shortcut", "A"]')
    net = load_study(path).cells[1].net
    assert not imported(own)
    assert own_modules(tomllib.loads(path.read_text())) == ["mine"]
    assert [use.use for use in net.own] == ["mine:branch", "mine:shortcut"]
    assert [block.kind for block in net.blocks()] == ["basic", net.own[0]]
    assert network_of(json.loads(json.dumps(description(net)))) == canonical(net)
    first, second = (stage[0] for stage in build(net).stages)
    assert next(iter(dict(first.branch.named_children()))) == "conv1"
    assert [name for name, _ in second.branch.named_children()] == ["own"]
    assert count(net).macs == measure(net).macs


def test_what_is_said_of_every_branch_is_said_of_ones_own(own: Path) -> None:
    net = net_of(
        own, 'block = "mine:branch", attention = "se", residual_scale = 0, drop_path = 0.5'
    )
    network = build(net).eval()
    x = torch.randn(2, 4, 8, 8)
    first = network.stages[0][0]
    assert list(dict(first.branch.named_children())) == ["own", "attention", "scale", "drop_path"]
    assert torch.equal(first(x), x.relu())
    own_cost, plain = count(net), count(net_of(own, 'block = "mine:branch"'))
    squeezed = sum(2 * width + 1 + width for width in (4, 8))  # a channel between two 1x1
    assert own_cost.params - plain.params == squeezed + 2


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ('block = ["basic", "nowhere:Block"]', "no module 'nowhere'"),
        ('block = ["plain", "mine:branch"]', "axes.block.other.block = 'plain': expected 'basic'"),
        ('block = ["mine:branch"]', "expected 2 values, one for each stage"),
        ('norm = ["mine:norm", "batch"]', "norm = "),
        ('stem = "mine:stem", stem_pool = "max"', "stem_pool = 'max': says what 'mine:stem' decid"),
        ('block = "mine:branch", kernel = 5', "kernel = 5: says what 'mine:branch' decides"),
        (
            'block = ["basic", "mine:branch"], zero_init = true',
            "zero_init = True: not with a block",
        ),
        ('head = "mine:Head", head_width = 8', "head_width = 8: says what 'mine:Head' decides"),
        ('block = "mine.block"', "axes.block.other.block = 'mine.block': expected 'basic' or"),
        (
            'block = "nowhere:Block"',
            "no module 'nowhere': nothing called 'nowhere' can be imported",
        ),
        ('block = "mine.sub:Block"', "no module 'mine.sub': nothing called 'sub' can be imported"),
        ('block = "sys:exit"', "no module 'sys'"),
        ('block = "mine:1"', "'mine:1': expected package.module:Name"),
        ("block = { reduction = 4 }", 'expected a table with use = "package.module:Name"'),
        ('block = { use = "mine:branch", args = 4 }', "args = 4: expected a table of keyword"),
        (
            'block = { use = "mine:branch", kernel = 1, args = { kernel = 3 } }',
            "kernel: stands beside use and in args; expected it once",
        ),
        (
            'block = { use = "mine:branch", kernel = { a = 1 } }',
            "kernel = {'a': 1}: expected a num",
        ),
        ('head = "linear"', "'linear': expected package.module:Name"),
        ('block = "mine:branch", groups = 2', "groups = 2 needs block = 'bottleneck'"),
        ('block = "mine:branch", antialias = true', "antialias = True: says what 'mine:branch' de"),
        ('norm = "mine:norm", zero_init = true', "zero_init = True: not with a norm of one's own"),
        ('net = "mine:whole", widths = [4, 8]', "widths = (4, 8): not with a whole network"),
    ],
)
def test_what_cannot_be_read_is_one_line(own: Path, other: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        net_of(own, other)
    assert says in str(caught.value)
    assert str(own.parent / "own.toml") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not imported(own)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ('block = "mine:Nothing"', "mine:Nothing: mine has no class or function of that name"),
        ('block = "mine:number"', "mine:number: mine has no class or function of that name"),
        (
            'block = "mine:norm"',
            "mine:norm: does not take in_width; it gets in_width, out_width, s",
        ),
        ('block = "mine:text"', "mine:text: gives str; expected a torch.nn.Module"),
        ('block = "mine:broken"', "mine:broken: RuntimeError: no such block, really"),
        ('block = { use = "mine:branch", depth = 3 }', "mine:branch(depth=3): TypeError"),
        (
            'block = { use = "mine:branch", stride = 3 }',
            "mine:branch: stride is given to it; take it out of the study file",
        ),
        ('block = "mine:narrow", shortcut = "none"', "mine:narrow: "),
        ('norm = "mine:act"', "mine:act: does not take width"),
        ('net = "mine:branch"', "mine:branch: does not take num_classes"),
        ('net = { use = "mine:net", width = 3 }', "mine:net: "),
        (
            'net = { use = "torchvision.models:resnet18", num_classes = 3 }',
            "num_classes is given to it",
        ),
        ('net = "torchvision.models:resnet18"', "does not fit a network for images of 1 x 8 x 8: "),
    ],
)
def test_what_cannot_be_built_is_one_line(own: Path, other: str, says: str) -> None:
    net = net_of(own, other)
    with pytest.raises(InputError) as caught:
        count(net)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_network_cannot_be_brought_to_a_budget(own: Path) -> None:
    path = study(own, 'net = "mine:whole"', '[match]\nmacs = "reference"\n')
    with pytest.raises(
        InputError, match=r"match\.macs: other: mine:whole is a whole network, which"
    ):
        load_study(path)


def test_a_mechanism_is_not_measured_on_modules_of_ones_own(own: Path) -> None:
    path = study(own, 'block = "mine:branch"')
    with pytest.raises(InputError, match="mechanism: is measured on ablate's own blocks"):
        load_study(path, mechanism=True)


def test_a_file_of_weights_has_nothing_imported(own: Path) -> None:
    net = net_of(own, 'block = "mine:branch"')
    with pytest.raises(InputError, match=r"modules of one's own, mine:branch, which are imported"):
        filled(net, {})
    assert not imported(own)


def test_only_what_is_allowed_is_imported(own: Path) -> None:
    uses = net_of(own, 'block = "mine:branch"').own
    check_own(uses, ("mine",))
    with pytest.raises(InputError, match="mine: nobody has allowed to import it here"):
        check_own(uses, ("yours",))
    assert not imported(own)


def test_the_version_of_what_is_installed_is_in_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = source_hash("torchvision.models")
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0")
    assert source_hash("torchvision.models") != before


@pytest.mark.parametrize("kernel", [3, True, 0.5, "x", (1, (2, 3))], ids=str)
def test_a_module_goes_through_a_study_file(kernel: Option) -> None:
    use = Use(use="mine.sub:branch", options=(("args", 1), ("kernel", kernel)), source="0f")
    text = tomli_w.dumps(in_file(use))
    assert use_of(tomllib.loads(text), source="0f") == use


def test_what_a_file_imports_is_told_from_axes_and_arms_of_such_names() -> None:
    content = tomllib.loads("""
        [net]
        norm = { use = "mine:norm" }
        [axes.block]
        use = { block = "bottleneck" }
        own = { block = "yours.blocks:Block" }
        [axes.net]
        theirs = { net = { use = "theirs:make", args = { depth = 3 } } }
        again = { net = "mine:whole" }
    """)
    assert own_modules(content) == ["mine", "yours.blocks", "theirs"]
