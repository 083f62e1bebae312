"""Networks drawn at random: at the budget, paired by draw, the same each time, and never twice."""

from collections import Counter
from pathlib import Path

import pytest

from ablate.errors import InputError
from ablate.networks import cost
from ablate.networks.canonical import canonical
from ablate.study.draws import Draw
from ablate.study.find import find_study
from ablate.study.plan import Study, load_study

STUDY = """\
question = "Which space?"
baseline = "doubling"
seeds = 1

[sample]
networks = 6
depths = [1, 3]
ratios = [1.0, 4.0]

[net]
base_width = 6

[match]
macs = "reference"

[axes.width]
constant = { growth = "constant" }
doubling = { growth = "doubling" }
increasing = { growth = "drawn" }
"""


def load(folder: Path, text: str = STUDY) -> Study:
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)


def changed(*pairs: tuple[str, str]) -> str:
    text = STUDY
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return load(tmp_path)


def kept(study: Study) -> list[Draw]:
    return [draw for draw in study.draws if draw.network is not None]


def test_each_arm_has_a_network_of_each_draw(study: Study) -> None:
    names = [cell.name for cell in study.cells]
    assert names[:4] == ["constant / 00", "doubling / 00", "increasing / 00", "constant / 01"]
    assert len(names) == len(set(names)) == 18
    assert study.baseline == "doubling / 00"
    for place, draw in enumerate(kept(study)):
        of_draw = [cell for cell in study.cells if cell.draw == place]
        assert [cell.arms["network"] for cell in of_draw] == [f"{place:02}"] * 3
        assert {cell.net.depths for cell in of_draw} == {draw.depths}
        assert draw.network == place


def test_every_network_is_near_the_budget_and_its_rule_and_none_comes_twice(study: Study) -> None:
    reference = cost.count(load(study.path.parent, changed(
        ("[sample]\nnetworks = 6\ndepths = [1, 3]\nratios = [1.0, 4.0]\n", ""),
        ('increasing = { growth = "drawn" }\n', ""),
    )).cells[1].net).macs  # fmt: skip
    for cell in study.cells:
        assert cell.matched is not None
        residual = cost.count(cell.net).macs / reference - 1
        assert cell.matched.residual == pytest.approx(residual, abs=1e-12)
        assert abs(residual) <= 0.05
        assert cell.matched.shape_error <= 0.2
    assert len({canonical(cell.net) for cell in study.cells}) == 18


def test_drawn_ratios_are_those_of_the_draw_and_within_their_range(study: Study) -> None:
    for cell in study.cells:
        ratios = kept(study)[cell.draw].ratios
        assert len(ratios) == 2
        assert all(1 <= ratio <= 4 for ratio in ratios)
        if cell.arms["width"] == "increasing":
            first, second, third = (widths[0] for widths in cell.net.block_widths)
            assert second / first == pytest.approx(ratios[0], rel=0.5)
            assert third / second == pytest.approx(ratios[1], rel=0.5)


def test_draws_are_even_over_the_depths(tmp_path: Path) -> None:
    many = load(tmp_path, changed(("networks = 6", "networks = 20")))
    depths = Counter(depth for draw in many.draws for depth in draw.depths)
    assert set(depths) == {1, 2, 3}
    assert max(depths.values()) < 2 * min(depths.values())


def test_the_same_file_draws_the_same_and_more_networks_keep_those_of_fewer(
    tmp_path: Path, study: Study
) -> None:
    keys = [planned.spec.key for planned in study.plan()]
    assert [planned.spec.key for planned in load(tmp_path).plan()] == keys
    more = load(tmp_path, changed(("networks = 6", "networks = 8")))
    assert [planned.spec.key for planned in more.plan()][:18] == keys
    other = load(tmp_path, changed(("networks = 6", "networks = 6\nseed = 1")))
    assert {planned.spec.key for planned in other.plan()}.isdisjoint(keys)


def test_arms_of_a_draw_share_a_seed_that_no_other_draw_has(tmp_path: Path, study: Study) -> None:
    seeds = {planned.cell.name: planned.spec.seed for planned in study.plan()}
    assert seeds == {cell.name: cell.draw for cell in study.cells}
    twice = load(tmp_path, changed(("seeds = 1", "seeds = 2"))).plan()
    assert [planned.spec.key for planned in twice[:18]] == [p.spec.key for p in study.plan()]
    assert [planned.spec.seed for planned in twice[18::3]] == [6, 7, 8, 9, 10, 11]


def test_draws_that_were_made_again_say_why(study: Study) -> None:
    again = [draw for draw in study.draws if draw.network is None]
    assert again
    for draw in again:
        assert draw.fate in ("off the budget", "off the shape", "drawn before")
        assert draw.arm in ("constant", "doubling", "increasing")
    assert {(draw.fate, draw.arm) for draw in kept(study)} == {("kept", None)}


def test_the_shipped_study_draws_thirty_networks_of_four_arms() -> None:
    study = load_study(find_study("design_space"))
    assert Counter(cell.arms["width"] for cell in study.cells) == dict.fromkeys(
        ("constant", "doubling", "tripling", "increasing"), 30
    )


FAULTS = {
    "unknown key": (changed(("depths =", "depht =")), "sample.depht", "did you mean depths?"),
    "range turned round": (changed(("[1, 3]", "[3, 1]")), "sample.depths = [3, 1]", "the least"),
    "ratios turned round": (changed(("[1.0, 4.0]", "[4, 1]")), "sample.ratios", "the least"),
    "huge depths": (changed(("[1, 3]", "[1, 10000]")), "sample.depths.1 = 10000", "50"),
    "too many": (changed(("networks = 6", "networks = 1000000")), "sample.networks", "500"),
    "no budget": (changed(('[match]\nmacs = "reference"\n', "")), "sample:", "a [match] table"),
    "two axes": (STUDY + "[axes.norm]\nbatch = {}\n", "sample:", "one axis"),
    "by depth": (changed(('"reference"', '"reference"\nby = "depth"')), "match:", "by width"),
    "latency": (changed(("macs =", "latency =")), "match:", "macs, params or activations"),
    "no such arm": (changed(('= "doubling"\n', '= "halving"\n')), "baseline", "constant, doubling"),
    "no ratios": (changed(("ratios = [1.0, 4.0]\n", "")), "axes.width.increasing.growth", "ratios"),
    "tiny ratios": (changed(("[1.0, 4.0]", "[1e-300, 4.0]")), "sample.ratios", "within a factor"),
    "huge ratios": (changed(("[1.0, 4.0]", "[1.0, 1e5]")), "sample.ratios", "in 3 stages"),
    "ratios for none": (
        changed(('increasing = { growth = "drawn" }\n', "")),
        "sample.ratios",
        "take it out",
    ),
    "reference that is drawn": (
        changed(('baseline = "doubling"', 'baseline = "increasing"')),
        'match.macs = "reference"',
        "a number",
    ),
    "an arm with depths": (
        changed(('{ growth = "constant" }', '{ growth = "constant", depths = [1, 1, 1] }')),
        "axes.width.constant",
        "take it out",
    ),
    "an arm with balanced stages": (
        changed(('{ growth = "constant" }', '{ growth = "constant", equal_stages = "macs" }')),
        "axes.width.constant",
        "take it out",
    ),
    "widths by block": (
        changed(('{ growth = "constant" }', "{ widen = 8 }")),
        "axes.width.constant",
        "one width a stage",
    ),
    "two limits on the shape": (
        changed(('macs = "reference"', 'macs = "reference"\nshape_tolerance = 0.3')),
        "match.shape_tolerance: not with [sample]",
        "take it out",
    ),
    "too small a budget": (
        changed(('"reference"', "1000")),
        "sample.networks = 6: only 0 found",
        "off the budget (constant)",
    ),
    "too few networks": (
        changed(("[1, 3]", "[2, 2]")),
        "sample.networks = 6: only 1 found",
        "drawn before (constant)",
    ),
    "a prediction of a network": (
        STUDY + '[hypotheses.a]\nsays = "A."\nhigher = ["doubling / 00", "constant"]\n',
        "hypotheses.a.higher: 'doubling / 00'",
        "did you mean doubling?",
    ),
    "a prediction of growth": (
        STUDY + '[hypotheses.a]\nsays = "A."\noptimum = 2.0\n',
        "hypotheses.a.optimum",
        "higher or equal",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, fault: str) -> None:
    text, start, remedy = FAULTS[fault]
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'example.toml'}: {start}")
    assert remedy in message
    assert len(message.splitlines()) == 1
