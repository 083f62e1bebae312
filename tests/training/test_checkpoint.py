"""A killed trial ends with the same weights; a damaged or hostile checkpoint is not used."""

import hashlib
import io
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.data.dataset import Dataset
from ablate.spec.choices import CHOICES
from ablate.spec.recipe import TrainSpec
from ablate.training.checkpoint import read_checkpoint, write_checkpoint
from ablate.training.loop import Epoch
from support.trained import CPU, Hostile, Killed, train
from support.trained import data as data

EPOCHS = 4


def measured(epochs: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0) for epoch in epochs]


@pytest.mark.parametrize(
    "settings",
    [
        *({"schedule": schedule} for schedule in CHOICES["schedule"]),
        {"optimizer": "adamw", "lr": 0.01},
        {"mixup": 0.3},
        {"ema": 0.9},
        {"optimizer": "adamw", "lr": 0.01, "mixup": 1.0, "ema": 0.99, "schedule": "step"},
    ],
    ids=lambda settings: ", ".join(map(str, settings.values())),
)
def test_killed_at_each_epoch_it_ends_with_the_same_weights(
    data: Dataset, tmp_path: Path, settings: dict[str, Any]
) -> None:
    recipe = TrainSpec(**{"epochs": EPOCHS, "batch_size": 32, "crop_padding": 1, **settings})
    whole, whole_epochs = train(data, recipe, None)
    path = tmp_path / "checkpoints" / "trial.pt"
    for epoch in range(1, EPOCHS + 1):
        with pytest.raises(Killed):
            train(data, recipe, path, kill_after=epoch)
    resumed, epochs = train(data, recipe, path)
    assert measured(epochs) == measured(whole_epochs)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize(
    ("of", "own"),
    [
        ({"optimizer": "adamw"}, {}),
        ({}, {"optimizer": "adamw"}),
        ({"momentum": 0.0}, {"optimizer": "adamw"}),
        ({}, {"ema": 0.9}),
    ],
    ids=["adamw for sgd", "sgd for adamw", "no state for adamw", "no average"],
)
def test_a_checkpoint_of_another_recipe_is_not_used(
    data: Dataset, tmp_path: Path, of: dict[str, Any], own: dict[str, Any]
) -> None:
    recipe = TrainSpec(epochs=2, batch_size=32, lr=0.01)
    with pytest.raises(Killed):
        train(data, replace(recipe, **of), tmp_path / "c.pt", kill_after=1)
    whole, _ = train(data, replace(recipe, **own), None)
    again, epochs = train(data, replace(recipe, **own), tmp_path / "c.pt")
    assert len(epochs) == 2
    assert all(torch.equal(again[name], whole[name]) for name in whole)


@pytest.mark.parametrize("place", [0, 63, 64, 200, -1])
def test_a_flipped_bit_is_seen(tmp_path: Path, place: int) -> None:
    path = tmp_path / "c.pt"
    write_checkpoint(path, {"a": torch.arange(100)})
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert read_checkpoint(path, CPU) is None


@pytest.mark.parametrize("length", [0, 10, 64, 100])
def test_a_torn_file_is_seen(tmp_path: Path, length: int) -> None:
    path = tmp_path / "c.pt"
    write_checkpoint(path, {"a": torch.arange(100)})
    path.write_bytes(path.read_bytes()[:length])
    assert read_checkpoint(path, CPU) is None


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_hostile_file_with_a_right_checksum_is_not_executed(tmp_path: Path, how: str) -> None:
    buffer = io.BytesIO()
    hostile = {"network": Hostile(tmp_path / "executed")}
    torch.save(hostile, buffer) if how == "torch" else pickle.dump(hostile, buffer, protocol=2)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest().encode()
    (tmp_path / "c.pt").write_bytes(digest + buffer.getvalue())
    assert read_checkpoint(tmp_path / "c.pt", CPU) is None
    assert not (tmp_path / "executed").exists()
    pickle.loads(pickle.dumps(Hostile(tmp_path / "executed")))
    assert (tmp_path / "executed").exists(), "the file is not hostile, so this shows nothing"


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    state = {"a": torch.randn(3), "b": [{"c": 1.5}], "d": "text"}
    write_checkpoint(tmp_path / "c.pt", state)
    write_checkpoint(tmp_path / "c.pt", state)
    read = read_checkpoint(tmp_path / "c.pt", CPU)
    assert read is not None
    assert torch.equal(read["a"], state["a"])
    assert (read["b"], read["d"]) == (state["b"], state["d"])
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]
