"""What fuzzing and tampering found, kept as examples: each is one clear line, or no loss."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torchvision.datasets as tv
from hypothesis import given, settings
from hypothesis import strategies as st
from test_data import small, write_fashion_mnist
from test_machine import PACKAGE, commit_and_dirty
from test_record import row
from test_study import NARROW, STUDY, changed, document, load, valid_or_one_line
from test_train import few as few
from test_train import trained

from ablate.data import dataset
from ablate.errors import InputError
from ablate.results import csv, schema
from ablate.spec import DataSpec, TrainSpec
from ablate.training import machine
from ablate.training.loop import DivergedError

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
        "match.macs: narrow: depths = ",
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


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(InputError, match="colour"):
        schema.to_frame([row(colour="red")])
    frame = schema.to_frame([row()])
    with pytest.raises(InputError, match="colour"):
        schema.validate(frame.assign(colour="red"), "here")


@pytest.mark.parametrize(
    ("column", "value"), [("seed", "abc"), ("seed", 1.5), ("dirty", "maybe"), ("params", 2**63)]
)
def test_a_value_of_another_type_is_refused(column: str, value: Any) -> None:
    with pytest.raises(InputError, match=column):
        schema.to_frame([row(**{column: value})])


@pytest.mark.parametrize("name", ["None", "NA", "null", "nan", "N/A"])
def test_arms_called_nothing_come_back(tmp_path: Path, name: str) -> None:
    csv.write(schema.to_frame([row(cell=name, axis_growth=name)]), tmp_path / "t.csv")
    assert csv.read(tmp_path / "t.csv")["cell"].tolist() == [name]


def test_large_counts_beside_missing_ones_are_exact() -> None:
    frame = schema.to_frame([row(train_images=None), row(key="1", train_images=2**60 + 1)])
    assert frame["train_images"].tolist()[1] == 2**60 + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("doubling,doubling,0", "doubling,doubling,1.5"),
        ("11000", "9" * 30),
        (",spec\n", ",spec,colour\n"),
    ],
)
def test_more_tampering_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "trials.csv"
    csv.write(schema.to_frame([row()]), path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError):
        csv.read(path)


@pytest.mark.parametrize(
    "content", [b"hello world\n1,2,3,4\n", b"\0" * 100], ids=["words", "zeros"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trials.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        csv.read(tmp_path / "trials.csv")
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "trials.csv"):
        (tmp_path / "trials.csv").mkdir(exist_ok=True)
        with pytest.raises(InputError):
            csv.read(path)


def test_a_dataset_of_another_size_is_refused(tmp_path: Path) -> None:
    write_fashion_mnist(tmp_path)
    with pytest.raises(InputError, match=r"fashion_mnist .* damaged"):
        dataset.load(DataSpec(name="fashion_mnist"), tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage!" * 100])
def test_damaged_images_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    small(monkeypatch, "fashion_mnist")
    write_fashion_mnist(tmp_path)
    (tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=r"fashion_mnist .* damaged"):
        dataset.load(DataSpec(name="fashion_mnist"), tmp_path)


def test_a_download_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tv.CIFAR10, "url", "file:///nowhere/cifar-10-python.tar.gz")
    with pytest.raises(InputError, match="cifar10"):
        dataset.load(DataSpec(name="cifar10"), tmp_path, download=True)


def test_weights_that_blow_up_in_the_last_step_are_a_divergence(few: dataset.Dataset) -> None:
    with pytest.raises(DivergedError):
        trained(few, TrainSpec(epochs=1, batch_size=100, lr=1e30, schedule="cosine"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE, tmp_path / "ablate", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_git_that_cannot_be_run_is_none(copy: Path) -> None:
    folder = copy / "bin"
    folder.mkdir()
    (folder / "git").write_text("")  # not executable
    assert commit_and_dirty(copy, path=str(folder)) == (None, None)
    assert commit_and_dirty(copy, path=str(folder / "git")) == (None, None)


@pytest.mark.parametrize("wanted", ["cuda:9", "banana", "mps"])
def test_no_such_device_beside_cuda(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert machine.pick_device("cuda:1") == "cuda:1"
    with pytest.raises(InputError, match=f"--device {wanted}"):
        machine.pick_device(wanted)
