"""Hostile files: checkpoints are never executed, names are never paths, scripts or formulas."""

import contextlib
import csv
import hashlib
import io
import json
import pickle
import random
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import html5lib
import pandas as pd
import pytest
import tomli_w
import torch
from PIL import Image

from ablate.data import image_cache
from ablate.data.dataset import Dataset
from ablate.data.folder import prepare
from ablate.errors import InputError, looks_like_formula
from ablate.networks.model import build
from ablate.networks.presets import preset
from ablate.networks.weights.pretrained import from_torchvision
from ablate.report import comparison_page, index_page, write
from ablate.report.write import write_copy
from ablate.results.check import remarks
from ablate.results.csv import inert, read_table, read_trials, write_parquet, write_table
from ablate.results.folder import Run
from ablate.results.names import EPOCHS, STAGES, TRIALS
from ablate.spec.recipe import TrainSpec
from ablate.study.plan import load_study
from ablate.training.checkpoint import DIGEST_LENGTH, read_checkpoint, write_checkpoint
from support import PUBLISHED
from support.trained import CPU, NET, Hostile, train
from support.trained import data as data

RUN = PUBLISHED / "width_doubling" / "digits"
RECIPE = TrainSpec(epochs=2, batch_size=32)
FORMULAS = ["=cmd()", "+cmd", "-cmd|' /C calc'!A0", "@SUM(1)", "\uff1dcmd()"]
MARKUP = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</svg></title></style><script>alert(1)</script>",
    "<a href='javascript:alert(1)'>{{ 7 * 7 }}</a>",
]


# Checkpoints


def sealed(path: Path, payload: bytes) -> None:
    """A file with the right digest around any payload."""
    path.write_bytes(hashlib.sha256(payload).hexdigest().encode() + payload)


def saved(state: object, old_format: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=not old_format)
    return buffer.getvalue()


def test_every_bit_of_a_checkpoint_is_guarded(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    write_checkpoint(path, {"network": build(NET).state_dict()})
    content, chance = path.read_bytes(), random.Random(0)
    places = [*range(DIGEST_LENGTH), *chance.sample(range(len(content)), 200)]
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        assert read_checkpoint(path, CPU) is None, place
    for length in chance.sample(range(len(content)), 50):
        path.write_bytes(content[:length])
        assert read_checkpoint(path, CPU) is None, length
    path.write_bytes(content)
    assert read_checkpoint(path, CPU) is not None


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("old_format", [False, True])
def test_no_payload_with_a_right_digest_ends_in_an_error(tmp_path: Path, old_format: bool) -> None:
    content, chance = saved({"network": build(NET).state_dict()}, old_format), random.Random(0)
    read = 0
    for _ in range(300):
        mangled = bytearray(
            content[: chance.choice([len(content), chance.randrange(len(content))])]
        )
        for _ in range(min(3, len(mangled))):
            mangled[chance.randrange(len(mangled))] ^= 1 << chance.randrange(8)
        sealed(tmp_path / "c.pt", bytes(mangled))
        state = read_checkpoint(tmp_path / "c.pt", CPU)
        assert state is None or isinstance(state, dict)
        read += state is not None
    assert read < 300


@pytest.mark.parametrize("value", [1, None, [1], "x", torch.ones(2)], ids=str)
def test_a_checkpoint_that_is_no_table_is_not_used(tmp_path: Path, value: object) -> None:
    sealed(tmp_path / "c.pt", saved(value))
    assert read_checkpoint(tmp_path / "c.pt", CPU) is None


def executed(path: Path, how: str) -> bytes:
    """A payload that makes a file when it is unpickled."""
    if how == "torch":
        return saved({"network": Hostile(path)})
    if how == "old torch":
        return saved({"network": Hostile(path)}, old_format=True)
    return pickle.dumps(Hostile(path), protocol=int(how))


def whole_state(data: Dataset, path: Path) -> dict[str, Any]:
    """What a training leaves in its checkpoint."""
    train(data, RECIPE, path, kill_after=None)
    state = read_checkpoint(path, CPU)
    assert state is not None
    return state


Change = Callable[[dict[str, Any], Path], object]
BAD_STATES: dict[str, Change] = {
    "another network": lambda state, _: state.update(
        network=build(replace(NET, widths=(5, 9))).state_dict()
    ),
    "a weight of another shape": lambda state, _: state["network"].update(
        {"head.linear.weight": torch.ones(3, 3)}
    ),
    "a weight that is text": lambda state, _: state["network"].update({"head.linear.weight": "x"}),
    "no optimizer": lambda state, _: state.pop("optimizer"),
    "another optimizer": lambda state, _: state["optimizer"]["param_groups"].pop(),
    "a momentum of another shape": lambda state, _: state["optimizer"]["state"][0].update(
        momentum_buffer=torch.ones(7)
    ),
    "a short generator": lambda state, _: state.update(generator=torch.zeros(3, dtype=torch.uint8)),
    "an epoch with another field": lambda state, _: state.update(epochs=[{"colour": 1.0}]),
    "epochs that are a number": lambda state, _: state.update(epochs=3),
    "a step that is text": lambda state, _: state.update(step="one"),
    "nothing": lambda state, _: state.clear(),
}


@pytest.mark.parametrize("what", BAD_STATES)
def test_a_trial_starts_again_where_its_checkpoint_does_not_fit(
    data: Dataset, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "c.pt"
    whole, _ = train(data, RECIPE, None)
    state = whole_state(data, path)
    state["epochs"] = state["epochs"][:1]
    BAD_STATES[what](state, path)
    write_checkpoint(path, state)
    again, epochs = train(data, RECIPE, path)
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert all(torch.equal(again[name], whole[name]) for name in whole)


@pytest.mark.parametrize("how", ["torch", "old torch", "0", "2", "4"])
def test_a_trial_with_a_malicious_checkpoint_executes_nothing_and_starts_again(
    data: Dataset, tmp_path: Path, how: str
) -> None:
    path, made = tmp_path / "c.pt", tmp_path / "executed"
    whole, _ = train(data, RECIPE, None)
    payload = executed(made, how)
    sealed(path, payload)
    again, _ = train(data, RECIPE, path)
    assert not made.exists()
    assert all(torch.equal(again[name], whole[name]) for name in whole)
    if how.isdigit():
        pickle.loads(payload)
        assert made.exists(), "the payload is not hostile, so this shows nothing"


def test_a_folder_in_place_of_a_checkpoint_is_none(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path, CPU) is None


def test_prepared_images_are_never_unpickled(tmp_path: Path) -> None:
    """An array of objects is a pickle; NumPy would load it where it is told to."""
    folder, made = tmp_path / "cache", tmp_path / "executed"
    folder.mkdir()
    shapes = {"train": [2, 1, 4, 4], "test": [2, 1, 4, 4]}
    (folder / "folder.json").write_text(json.dumps({"classes": ["a"], "shapes": shapes}))
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    hostile = header.ljust(127) + b"\n" + pickle.dumps([Hostile(made)])
    for split in shapes:
        for name in (f"{split}.npy", f"{split}-labels.npy"):
            (folder / name).write_bytes(hostile)
    with pytest.raises(InputError, match="damaged"):
        image_cache.open_cache(folder, "r")
    assert not made.exists()
    import numpy as np

    np.load(folder / "train.npy", allow_pickle=True)
    assert made.exists(), "the array is not hostile, so this shows nothing"


def test_pretrained_weights_of_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="missing from the state dict"):
        from_torchvision({"conv1.weight": torch.ones(2)}, preset("resnet18"))


# Names


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The tables of a committed run, in results/STUDY/DATASET."""
    folder = tmp_path / "results" / "width_doubling" / "digits"
    folder.mkdir(parents=True)
    for name in (TRIALS, EPOCHS, STAGES, "study.toml"):
        shutil.copy(RUN / name, folder)
    return folder


def study(arm: str, question: str, says: str, axis: str = "growth") -> str:
    """The study file of the run, with these texts in it."""
    arms = {"constant": {"growth": 1.0}, "doubling": {"growth": 2.0}, arm: {"growth": 3.0}}
    content: dict[str, Any] = {
        "question": question,
        "baseline": "doubling",
        "axes": {axis: arms},
        "net": {"base_width": 4},
        "hypotheses": {says[:200]: {"says": says, "higher": [arm, "doubling"]}},
    }
    return tomli_w.dumps(content)


def named(folder: Path, name: str) -> None:
    """Give an arm, the axis, the question, a prediction and a failure of the run a name."""
    text = study(name, name, name, name)
    (folder / "study.toml").write_text(text)
    trials = read_trials(folder / TRIALS).rename(columns={"axis_growth": f"axis_{name}"})
    for column in ("cell", f"axis_{name}"):
        trials[column] = trials[column].replace("tripling", name)
    lost = trials.index[trials["cell"] == "constant"][0]
    trials.loc[lost, ["state", "failure", "test_accuracy"]] = ["failed", name, pd.NA]
    trials["throughput_note"] = trials["throughput_note"].fillna(name)
    write_table(trials, folder / TRIALS)
    for table in (EPOCHS, STAGES):
        frame = read_table(folder / table)
        frame["cell"] = frame["cell"].replace("tripling", name)
        write_table(frame, folder / table)


def pages(root: Path) -> Iterator[tuple[Path, Any]]:
    for path in root.rglob("*.html"):
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        yield path, parser.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(" ".join(MARKUP), marks=pytest.mark.drawn),
        *(pytest.param(name, marks=pytest.mark.long) for name in MARKUP),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_no_name_is_a_script_or_markup_in_a_page(run: Path, name: str) -> None:
    named(run, name)
    other = run.parent.parent / "width_doubling" / "other"
    shutil.copytree(run, other)
    for folder in (run, other):
        write.write_findings(folder)
    comparison_page.write_comparison([run, other], run.parent.parent / "comparison" / "both")
    index_page.write_index(run.parent.parent)
    seen = 0
    for path, document in pages(run.parent.parent):
        scripts = ["".join(element.itertext()) for element in document.iter("script")]
        assert len(scripts) == 1, path
        assert "alert" not in scripts[0]
        for element in document.iter():
            for key, value in element.attrib.items():
                assert not str(key).startswith("on"), (path, key)
                assert not re.match(r"\s*javascript:", str(value), re.IGNORECASE), (path, value)
        assert not list(document.iter("img"))
        seen += name in " ".join(document.itertext())
    assert seen >= 3, "the name is nowhere, so this shows nothing"


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("where", ["arm", "axis", "hypothesis"])
def test_a_name_that_begins_like_a_formula_is_refused(
    tmp_path: Path, name: str, where: str
) -> None:
    given = {
        "arm": ["a", "?", "so"],
        "hypothesis": ["a", "?", name],
        "axis": ["a", "?", "so", name],
    }
    path = tmp_path / "s.toml"
    path.write_text(study(*(given[where] if where != "arm" else [name, "?", "so"])))
    with pytest.raises(InputError, match="begins like a formula of a spreadsheet") as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def cells_of(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every cell of every CSV file, headings included, as a spreadsheet sees it."""
    for path in folder.rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            for line in csv.reader(stream):
                for cell in line:
                    yield path, cell


@pytest.mark.parametrize("text", [*FORMULAS, "\t=cmd()", "\r=cmd()"])
@pytest.mark.usefixtures("undrawn")
def test_no_text_is_a_formula_in_a_csv_file(run: Path, text: str) -> None:
    trials = read_trials(run / TRIALS)
    lost = trials.index[trials["cell"] == "constant"][0]
    trials.loc[lost, ["state", "failure", "test_accuracy"]] = ["failed", text, pd.NA]
    write_table(trials, run / TRIALS)
    write_parquet(trials, run / "trials.parquet")
    content = tomllib.loads((run / "study.toml").read_text())
    for hypothesis in content["hypotheses"].values():
        hypothesis["says"] = text
    (run / "study.toml").write_bytes(tomli_w.dumps(content).encode())
    write.write_findings(run)
    found = [cell for _, cell in cells_of(run) if text.strip() in cell]
    assert len(found) >= 2, "the text is nowhere, so this shows nothing"
    assert [(path.name, cell) for path, cell in cells_of(run) if looks_like_formula(cell)] == []
    again = Run(run, read_trials(run / TRIALS))
    for check in ("trials.parquet", "findings"):
        assert [
            line.text for line in remarks(again, check, write_copy) if line.level == "FAULT"
        ] == []


@pytest.mark.parametrize("value", ["-1", "-0.5", "+3e8", "-inf", "a=b", "", "1-2", "'=x", "\ta"])
def test_numbers_and_plain_text_are_no_formulas(value: str) -> None:
    assert not looks_like_formula(value)
    frame = pd.DataFrame({"a": pd.Series([value], dtype="string"), "b": [-1.5]})
    assert inert(frame).equals(frame)


@pytest.mark.parametrize("name", ["=cmd()", "<script>", "..", "a b", "\u202e", "-rf"])
def test_no_study_file_is_named_like_an_attack(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(study("a", "?", "so"))
    with pytest.raises(InputError, match="the file's name names the study") as caught:
        load_study(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["../x", "/etc/x", "..", "folder:../x", "folder:/x"])
def test_no_name_in_a_study_file_is_a_path(tmp_path: Path, name: str) -> None:
    """Arms, axes and datasets name columns and rows, and never a file."""
    path = tmp_path / "inside" / "s.toml"
    path.parent.mkdir()
    path.write_text(study(name, "?", "so", axis=name) + f'[datasets."{name}"]\nseeds = 2\n')
    with contextlib.suppress(InputError):
        assert load_study(path).name == "s"
    assert {found.name for found in tmp_path.rglob("*")} == {"inside", "s.toml"}


@pytest.mark.parametrize("name", ["=cmd()", "<script>alert(1)<", "..x", "a\nb", "' OR 1=1"])
def test_folders_and_classes_of_images_stay_where_they_belong(tmp_path: Path, name: str) -> None:
    images, root = tmp_path / "images" / name, tmp_path / "data"
    for split in ("train", "test"):
        for number, label in enumerate((name, "other", "third")):
            folder = images / split / label
            folder.mkdir(parents=True)
            Image.new("L", (4, 4), 100 * number).save(folder / "0.png")
    before = {path for path in tmp_path.rglob("*") if root not in path.parents and path != root}
    found = prepare(images, None, root, 1, lambda items, total, unit: iter(items))
    after = {path for path in tmp_path.rglob("*") if root not in path.parents and path != root}
    assert after == before
    own = () if name.startswith(".") else (name,)  # a dot-folder is left aside
    assert found.classes == tuple(sorted((*own, "other", "third")))
    assert re.fullmatch(r"[\w.-]+", found.name)
    assert found.name not in (".", "..")
    assert not looks_like_formula(found.name)
