"""What fuzzing of study files found, kept as examples: each is one clear line."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.errors import InputError
from support.documents import NARROW, STUDY, changed, document, load, valid_or_one_line

MORE_FAULTS = {
    "epochs no float holds": (
        changed("= 4\n", f"= {10**400}\n"),
        "train: epochs = 1000",
        "positive",
    ),
    "more digits than Python reads": (
        changed("= 4\n", "= " + "9" * 5000),
        "not valid TOML",
        "digits",
    ),
    "nested too deep": ("a = " + "[" * 3000 + "]" * 3000, "not valid TOML", ""),
    "growth past any width": (
        changed("= 3 }", "= 1e308 }"),
        "axes.width.wide: growth = 1e+308",
        "",
    ),
    "widen by infinity": (changed(NARROW, "widen = inf"), "axes.width.narrow: widen = inf", ""),
    "widen by no number": (changed(NARROW, "widen = nan"), "axes.width.narrow: widen = nan", ""),
    "huge base": (
        changed(NARROW, f"base_width = {10**400}"),
        "axes.width.narrow: base_width = 1",
        "1 or more",
    ),
    "huge multiple": (
        changed("base_width = 8", f"width_multiple = {10**400}"),
        "net: width_multiple = 1000",
        "1 or more",
    ),
    "huge depth": (changed("base_width = 8", "depths = [9000000000, 1, 1]"), "net: depths = ", ""),
    "no stages, shifted": (
        changed("base_width = 8", "depths = []\ngrowth_shift = 1"),
        "net: depths = ()",
        "",
    ),
    "negative depth, widened": (
        changed(NARROW, "widen = 4").replace("base_width = 8", "depths = [-1, 1]"),
        "net: depths = (-1, 1)",
        "1 or more",
    ),
    "infinite decay": (
        changed("epochs = 4", "weight_decay = inf"),
        "train: weight_decay = inf",
        "",
    ),
    "line break in a key": ('"a\\nb" = 1\n' + STUDY, "a\\nb: unknown key", ""),
    "line break in a setting": (changed("[net]", '[net]\n"a\\nb" = 1'), "net.a\\nb: unknown", ""),
    "escape code in a setting": (changed("[net]", '[net]\n"\\u001b[31m" = 1'), "net.\\x1b[31m", ""),
    "empty axis": (STUDY + "[axes.x]\n", "axes.x", ""),
    "axis without a name": (changed("axes.width", 'axes.""'), "axes", "name"),
    "arm without a name": (changed("narrow =", '"" ='), "axes.width", "name"),
    "line break in an arm": (changed("narrow =", '"a\\nb" ='), "axes.width", "name"),
    "slash in an arm": (changed("narrow =", '"a / b" ='), "axes.width", "name"),
    "widen and shift": (changed(NARROW, "widen = 4, growth_shift = 1"), "axes.width.narrow: ", ""),
    "widen and multiple": (
        changed(NARROW, "widen = 4, width_multiple = 8"),
        "axes.width.narrow",
        "",
    ),
    "same network by block": (
        changed(NARROW, "widths = [[4, 4], [12, 12], [36, 36]]"),
        "axes: 'wide' is the same network as 'narrow'",
        "",
    ),
    "same network by stem": (
        changed(NARROW, "growth = 3, stem_width = 4"),
        "axes: 'wide' is the same network as 'narrow'",
        "",
    ),
    "misspelt match": (STUDY + "[match]\nmac = 1\n", "match.mac", "did you mean macs?"),
    "infinite budget": (STUDY + "[match]\nmacs = inf\n", "match.macs = inf", "positive"),
    "budget of far too many blocks": (
        STUDY + '[match]\nmacs = 1e12\nby = "depth"\n',
        "match.macs: narrow: the largest network of this shape costs",
        "",
    ),
    "truth for a budget": (STUDY + "[match]\nmacs = true\n", "match.macs = True", "number"),
    "no table for a dataset": (
        "datasets = { digits = 3 }\n" + STUDY[: STUDY.index("[datasets")],
        "datasets.digits = 3",
        "table",
    ),
}


@pytest.mark.parametrize("fault", MORE_FAULTS)
def test_more_that_is_wrong(tmp_path: Path, fault: str) -> None:
    text, start, remedy = MORE_FAULTS[fault]
    with pytest.raises(InputError) as caught:
        load(tmp_path / "example.toml", text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/example.toml: {start}")
    assert remedy in message
    assert len(message.splitlines()) == 1


def test_a_line_break_in_a_file_name(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path / "a\nb.toml", STUDY)
    assert len(str(caught.value).splitlines()) == 1


whole, number = st.integers(), st.floats()
settings_of_any_size = {
    **dict.fromkeys(("base_width", "width_multiple", "growth_shift", "groups"), whole),
    **dict.fromkeys(("expansion", "width_per_group", "stem_width", "head_width"), whole),
    **dict.fromkeys(("growth", "widen"), number),
    **dict.fromkeys(("depths", "strides"), st.lists(st.integers(-1, 4) | whole, max_size=3)),
}


@given(st.fixed_dictionaries({}, optional=settings_of_any_size))
@settings(max_examples=300, deadline=None)
def test_random_settings_of_any_size(arm: dict[str, Any]) -> None:
    study = tomllib.loads(STUDY)
    study["axes"]["width"]["wide"] = arm
    valid_or_one_line(document(study))


def test_a_whole_number_and_its_float_are_one_trial(tmp_path: Path) -> None:
    keys = [
        load(tmp_path / "example.toml", changed("epochs = 4", f"momentum = {zero}"))
        .plan()[0]
        .spec.key
        for zero in ("0", "0.0")
    ]
    assert keys[0] == keys[1]
