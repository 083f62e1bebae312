"""Study files: what they mean, and that a wrong one is told so in one line."""

import codecs
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.errors import InputError
from ablate.results.schema import COLUMNS
from ablate.results.tables import plan_row
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from ablate.study.layers import WIDTH_RULE
from ablate.study.plan import Study, load_study
from ablate.study.trial_json import trial_from_json
from support.documents import (
    NARROW,
    STUDY,
    changed,
    document,
    load,
    names,
    tables,
    valid_or_one_line,
    values,
    well_typed,
)


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    return tmp_path / "example.toml"


def nets(study: Study) -> dict[str, NetSpec]:
    return {cell.name: cell.net for cell in study.cells}


# What a study file means


def test_a_study_is_what_its_file_says(study_file: Path) -> None:
    study = load(study_file, STUDY, "cifar10")
    assert (study.name, study.question, study.baseline) == ("example", "Which?", "narrow")
    assert (study.path, study.source) == (study_file, STUDY)
    assert (study.seeds, study.train.epochs, study.train.batch_size) == (3, 4, 128)
    assert study.data.name == "cifar10"
    assert nets(study) == {
        "narrow": NetSpec(widths=(8, 8, 8), norm="group"),
        "wide": NetSpec(widths=(8, 24, 72), norm="group"),
    }


def test_the_dataset_and_then_the_arm_win(study_file: Path) -> None:
    text = STUDY.replace("growth = 3", 'growth = 3, activation = "silu"')
    digits = load(study_file, text)
    assert (digits.seeds, digits.train.epochs, digits.train.batch_size) == (2, 4, 64)
    found = nets(digits)
    assert found["narrow"].widths == (4, 4, 4)
    assert found["wide"].widths == (4, 12, 36)
    assert (found["narrow"].norm, found["wide"].norm) == ("group", "group")
    assert (found["narrow"].activation, found["wide"].activation) == ("gelu", "silu")


def test_what_the_caller_asks_for_wins(study_file: Path) -> None:
    study_file.write_text(STUDY)
    study = load_study(study_file, "digits", seeds=7, epochs=1)
    assert (study.seeds, study.train.epochs) == (7, 1)


@pytest.mark.parametrize(
    ("net", "digits", "arm", "expected"),
    [
        ("base_width = 8", "", "widths = [5, 6, 7]", (5, 6, 7)),
        ("widths = [5, 6, 7]", "", "growth = 1.5", (16, 24, 36)),
        ("widths = [5, 6, 7]", "base_width = 4", 'norm = "none"', (4, 8, 16)),
        ("base_width = 8", "widths = [5, 6, 7]", 'norm = "none"', (5, 6, 7)),
        ("growth = 3", "widths = [5, 6, 7]", "base_width = 8", (8, 16, 32)),
        ("width_multiple = 8", "base_width = 12", "growth = 1.5", (16, 16, 24)),
        ("base_width = 8", "growth = 4", "growth_shift = 1", ((8, 8), (8, 32), (32, 128))),
        ("depths = [1, 1, 2]", "base_width = 8", "widen = 8.0", ((10,), (12,), (14, 16))),
        ("base_width = 8", "", "depths = [3, 3]\nstrides = [1, 2]", (8, 16)),
        ('norm = "none"', "", "widths = [3, [4, 5], 6]", (3, (4, 5), 6)),
        ('norm = "none"', "", "stem_width = 9", (16, 32, 64)),
    ],
)
def test_later_widths_win_over_earlier_rules_and_rules_over_widths(
    study_file: Path, net: str, digits: str, arm: str, expected: Any
) -> None:
    text = (
        f'question = "Which?"\nbaseline = "arm"\n[net]\n{net}\n[axes.width.arm]\n{arm}\n'
        f"[datasets.digits.net]\n{digits}\n"
    )
    assert nets(load(study_file, text))["arm"].widths == expected


def test_axes_multiply(study_file: Path) -> None:
    study = load(
        study_file,
        STUDY.replace('"narrow"', '"narrow / A"')
        + '[axes.shortcut]\nA = { shortcut = "A" }\nB = {}\nC = { shortcut = "C" }\n',
    )
    assert [cell.name for cell in study.cells] == [
        "narrow / A",
        "narrow / B",
        "narrow / C",
        "wide / A",
        "wide / B",
        "wide / C",
    ]
    assert study.cells[5].arms == {"width": "wide", "shortcut": "C"}
    assert (study.cells[5].net.widths, study.cells[5].net.shortcut) == ((4, 12, 36), "C")


def test_the_last_axis_wins(study_file: Path) -> None:
    text = STUDY.replace('"narrow"', '"narrow / deep"') + "[axes.z]\ndeep = { base_width = 2 }\n"
    assert nets(load(study_file, text))["wide / deep"].widths == (2, 6, 18)


def test_the_plan_goes_seed_by_seed(study_file: Path) -> None:
    study = load(study_file, STUDY)
    plan = study.plan()
    assert [(planned.spec.seed, planned.cell.name) for planned in plan] == [
        (0, "narrow"),
        (0, "wide"),
        (1, "narrow"),
        (1, "wide"),
    ]
    assert len({planned.spec.key for planned in plan}) == 4
    assert all(planned.spec.net == planned.cell.net for planned in plan)
    assert all(planned.spec.train == study.train for planned in plan)
    assert load(study_file, STUDY).plan() == plan


def test_more_seeds_keep_the_keys_of_the_first(study_file: Path) -> None:
    study_file.write_text(STUDY)
    few, many = (
        [planned.spec.key for planned in load_study(study_file, seeds=seeds).plan()]
        for seeds in (2, 5)
    )
    assert len(many) == 10
    assert many[:4] == few


def test_the_columns_of_a_planned_trial(study_file: Path) -> None:
    study = load(study_file, STUDY)
    planned = study.plan()[3]
    row = plan_row(study, planned)
    assert set(row) <= {column.name for column in COLUMNS} | {"axis_width"}
    assert (row["study"], row["dataset"]) == ("example", "digits")
    assert (row["cell"], row["axis_width"], row["seed"]) == ("wide", "wide", 1)
    assert (row["epochs"], row["batch"], row["shortcut"]) == (4, 64, "B")
    assert json.loads(row["widths"]) == [4, 12, 36]
    assert json.loads(row["depths"]) == [2, 2, 2]
    assert json.loads(row["strides"]) == [1, 2, 2]
    assert row["key"] == planned.spec.key
    assert row["net"] == content_hash(planned.cell.net)
    assert trial_from_json(row["spec"]) == planned.spec


# What is wrong with a study file


# Each: the file's text, the start of what is said after its path, and what is said of the remedy.
FAULTS: dict[str, tuple[str, str, str]] = {
    "empty": ("", "question", "required"),
    "no TOML": ("question = \n", "not valid TOML", "line 1"),
    "a key twice": (STUDY + "seeds = 2\nseeds = 3\n", "not valid TOML", "at line 20"),
    "unknown key": (changed("seeds", "sedes"), "sedes", "did you mean seeds?"),
    "misspelt key": (changed("question", "questoin"), "questoin", "did you mean question?"),
    "unknown table": (changed("[net]", "[network]"), "network", "did you mean net?"),
    "missing baseline": (changed('baseline = "narrow"\n', ""), "baseline", "required"),
    "missing axes": (changed("[axes.width]", "[datasets.svhn.net]"), "axes", "required"),
    "no axes": ('question = "Which?"\nbaseline = "a"\naxes = {}\n', "axes", "at least 1"),
    "empty question": (changed("Which?", ""), "question = ''", "expected a sentence"),
    "question is a number": (changed('"Which?"', "1"), "question = 1", "string"),
    "seeds is text": (changed("seeds = 3", 'seeds = "3"'), "seeds = '3'", "integer"),
    "no seeds": (changed("seeds = 3", "seeds = 0"), "seeds = 0", "greater than or equal to 1"),
    "seeds of a dataset": (changed("seeds = 2", "seeds = -2"), "datasets.digits.seeds = -2", "1"),
    "unknown baseline": (
        changed('baseline = "narrow"', 'baseline = "thin"'),
        "baseline = 'thin'",
        "expected one of narrow, wide",
    ),
    "unknown setting": (changed("norm", "nrom"), "net.nrom", "did you mean norm?"),
    "unknown train setting": (changed("epochs", "epoch"), "train.epoch:", "did you mean epochs?"),
    "unknown setting of an arm": (
        changed(NARROW, 'grwoth = "constant"'),
        "axes.width.narrow.grwoth",
        "did you mean growth?",
    ),
    "unknown key of a dataset": (
        changed("train = { batch", "trian = { batch"),
        "datasets.digits.trian",
        "did you mean train?",
    ),
    "unknown dataset": (
        changed("[datasets.digits]", "[datasets.digit]"),
        "datasets.digit:",
        "did you mean digits?",
    ),
    "dataset's classes": (
        changed("base_width", "num_classes"),
        "net.num_classes",
        "by the dataset",
    ),
    "dataset's image": (changed("base_width", "image_size"), "net.image_size", "take it out"),
    "dataset's channels": (
        changed(NARROW, "in_channels = 1"),
        "axes.width.narrow.in_channels",
        "take it out",
    ),
    "wrong type": (changed("= 8", '= "8"'), "net.base_width = '8'", "valid integer"),
    "truth for a number": (changed("= 8", "= true"), "net.base_width = True", "valid integer"),
    "number for truth": (changed("base_width = 8", "preact = 1"), "net.preact = 1", "boolean"),
    "fraction of a block": (
        changed("base_width = 8", "depths = [2, 2, 2.5]"),
        "net.depths = (2, 2, 2.5)",
        "valid integer",
    ),
    "wrong choice": (changed('"group"', '"layer"'), "net.norm = 'layer'", "'batch', 'group'"),
    "wrong growth": (
        changed('"constant"', '"quadrupling"'),
        "axes.width.narrow: growth = 'quadrupling'",
        "constant, doubling, tripling or a positive number",
    ),
    "growth of nothing": (changed("= 3 }", "= 0 }"), "axes.width.wide: growth = 0", "positive"),
    "no width": (
        changed("base_width = 4, ", "base_width = 0, "),
        "datasets.digits.net: base_width = 0",
        "1 or more",
    ),
    "no multiple": (
        changed("base_width = 8", "width_multiple = 0"),
        "net: width_multiple = 0",
        "1 or more",
    ),
    "widths and a rule": (
        changed(NARROW, 'widths = [1, 2, 3], growth = "constant"'),
        "axes.width.narrow: widths and growth",
        "one of them",
    ),
    "two rules": (
        changed(NARROW, 'widen = 48, growth = "constant"'),
        "axes.width.narrow: widen and growth",
        "one of them",
    ),
    "growth shifted too far": (
        changed(NARROW, "growth_shift = 3"),
        "axes.width.narrow: growth_shift = 3",
        "at most 2",
    ),
    "too few strides": (
        changed("base_width = 8", "strides = [1, 2]"),
        "net: strides = (1, 2)",
        "3 values",
    ),
    "no such combination": (
        changed("base_width = 8", "groups = 2"),
        "net: groups = 2",
        "block = 'bottleneck'",
    ),
    "no epochs": (changed("= 4\n", "= 0\n"), "train: epochs = 0", "positive"),
    "infinite rate": (changed("epochs = 4", "lr = inf"), "train: lr = inf", "positive"),
    "same network twice": (
        changed("growth = 3", "growth = 1"),
        "axes: 'wide' is the same network as 'narrow'",
        "take one of them out",
    ),
    "batch too large": (
        changed("batch_size = 64", "batch_size = 1080"),
        "train.batch_size = 1080",
        "at most the 1079 training images of digits",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said_in_one_line(study_file: Path, fault: str) -> None:
    text, start, remedy = FAULTS[fault]
    with pytest.raises(InputError) as caught:
        load(study_file, text)
    message = str(caught.value)
    assert message.startswith(f"{study_file}: {start}")
    assert remedy in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["a b.toml", "-rf.toml", "_a.toml", "a?.toml", ".toml", "x" * 65 + ".toml"]
)
def test_a_hostile_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path / name, STUDY)
    assert str(caught.value).startswith(f"{tmp_path / name}: the file's name")
    assert "expected letters of any script, digits, _ and -, at most 64" in str(caught.value)


@pytest.mark.parametrize("name", ["폭", "é", "e\u0301", "a-1_b"])
def test_a_file_may_be_named_in_any_script(tmp_path: Path, name: str) -> None:
    assert load(tmp_path / f"{name}.toml", STUDY).name == name


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\x81\x00\x01")
    for path, says in [
        (tmp_path / "missing.toml", "no such study file"),
        (tmp_path, "cannot be read"),
        (binary, "cannot be read: line 1 is not UTF-8 (perhaps Latin-1); save it as UTF-8"),
    ]:
        with pytest.raises(InputError) as caught:
            load_study(path)
        assert str(caught.value).startswith(f"{path}: {says}")
        assert len(str(caught.value).splitlines()) == 1


def test_a_byte_order_mark_is_no_part_of_a_file(study_file: Path) -> None:
    study_file.write_bytes(codecs.BOM_UTF8 + STUDY.encode())
    assert load_study(study_file).source == STUDY


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("utf-16", "its encoding is UTF-16; save it as UTF-8"),
        ("euc-kr", "is not UTF-8 (perhaps EUC-KR); save it as UTF-8"),
        ("shift-jis", "is not UTF-8 (perhaps "),
    ],
)
def test_another_encoding_is_named(study_file: Path, encoding: str, says: str) -> None:
    word = "일정" if encoding == "euc-kr" else "一定ーです"
    study_file.write_bytes(f"{STUDY}\n# {word}\n".encode(encoding))
    with pytest.raises(InputError) as caught:
        load_study(study_file)
    assert str(caught.value).startswith(f"{study_file}: cannot be read: ")
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_dataset_of_the_caller(study_file: Path) -> None:
    study_file.write_text(STUDY)
    with pytest.raises(InputError, match="dataset 'digit' is not known: expected one of digits,"):
        load_study(study_file, "digit")


# No study file, however wrong, ends in anything but a study or one line


def test_the_fuzzer_writes_what_it_means() -> None:
    assert tomllib.loads(document(tomllib.loads(STUDY)).decode()) == tomllib.loads(STUDY)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_random_values_at_random_keys(data: st.DataObject) -> None:
    study = tomllib.loads(STUDY)
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from(list(tables(study))))
        table[data.draw(st.sampled_from([*table, "x"]) | names)] = data.draw(values)
    valid_or_one_line(document(study))


@given(st.fixed_dictionaries({}, optional=well_typed), st.booleans())
@settings(max_examples=300, deadline=None)
def test_random_networks_of_the_right_types(arm: dict[str, Any], by_rule: bool) -> None:
    unused = {"widths"} if by_rule else set(WIDTH_RULE)
    study = tomllib.loads(STUDY)
    study["axes"]["width"]["wide"] = {key: arm[key] for key in arm.keys() - unused}
    valid_or_one_line(document(study))


@given(st.integers(0, len(STUDY)), st.integers(0, 20), st.text(max_size=20) | names)
@settings(max_examples=300, deadline=None)
def test_random_text_in_the_file(start: int, cut: int, text: str) -> None:
    mangled = STUDY[:start] + text + STUDY[start + cut :]
    valid_or_one_line(mangled.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=100))
@settings(deadline=None)
def test_random_bytes(source: bytes) -> None:
    valid_or_one_line(source)


def test_a_later_layer_replaces_the_width_rule_of_an_earlier(tmp_path: Path) -> None:
    text = changed(NARROW, "widen = 12").replace("base_width = 8", "base_width = 8\ngrowth = 2.0")
    widened = load(tmp_path / "example.toml", text).cells[0].net
    assert widened.block_widths[-1][-1] == 4 + 12
