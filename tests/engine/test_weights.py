"""Weights that trials end with: kept whole, by whoever trains, and changing nothing else."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from ablate.data.dataset import load
from ablate.engine.weights import keep, read_kept, weights_path
from ablate.engine.worker import Worker
from ablate.errors import InputError, WriteError
from ablate.networks.model import build
from ablate.networks.weights.formats import filled
from ablate.results.names import WEIGHTS
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.loop import classify
from support.commands import Finished, folder, run, trials
from support.commands import study as study
from support.kept import torch_kept
from support.planned import plan, states
from support.trained import NET

SPEC = TrialSpec(net=NET, train=TrainSpec(), data=DataSpec(), seed=3)
DATA = load(DataSpec(), Path("nowhere"))
MEASURED = ["cell", "seed", "key", "net", "test_accuracy", "val_loss", "train_loss"]


def kept(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    keep(tmp_path, SPEC, DATA, build(NET))
    return weights_path(tmp_path, SPEC.key)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(NET).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()(torch.randn(8, 1, 8, 8))
    keep(tmp_path, SPEC, DATA, network)
    found = read_kept(weights_path(tmp_path, SPEC.key))
    assert found.spec == SPEC
    assert found.state.keys() == network.state_dict().keys()
    assert all(
        torch.equal(found.state[name], value) for name, value in network.state_dict().items()
    )
    assert found.state["stem.norm1.num_batches_tracked"] == 1
    assert torch.equal(torch.tensor(found.mean), DATA.mean.flatten())
    assert torch.equal(torch.tensor(found.std), DATA.std.flatten())
    assert [path.name for path in tmp_path.iterdir()] == [f"{SPEC.key}.safetensors"]


def test_what_is_missing_cut_or_of_another_trial_is_one_line(tmp_path: Path) -> None:
    path = kept(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_kept(tmp_path / "0123456789abcdef.safetensors")
    other = weights_path(tmp_path, replace(SPEC, seed=4).key)
    shutil.copy(path, other)
    with pytest.raises(InputError, match=f"holds the weights of trial {SPEC.key}"):
        read_kept(other)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="not weights that --keep-weights has kept"):
        read_kept(path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("in the way")
    with pytest.raises(WriteError, match="weights"):
        keep(tmp_path / "weights", SPEC, DATA, build(NET))


def test_weights_give_the_accuracy_of_the_table_and_change_nothing(
    study: Path, finished: Finished
) -> None:
    out, _ = run(study, "--workers", 1, "--keep-weights")
    table = trials(study)
    assert f"weights of {len(table)} of {len(table)} trials are in " in out
    for row in table.to_dict("records"):
        found = read_kept(weights_path(folder(study) / WEIGHTS, row["key"]))
        with torch_kept():
            torch.set_num_threads(1)
            right = classify(filled(found.spec.net, found.state), DATA, DATA.test)[1]
        assert int(right.sum()) / len(right) == row["test_accuracy"]
    without = trials(finished.folder / "tiny.toml")
    pd.testing.assert_frame_equal(table[MEASURED], without[MEASURED])


def test_what_was_trained_before_has_none_and_is_not_trained_again(
    tmp_path: Path, finished: Finished
) -> None:
    study = finished.copied(tmp_path)
    before = trials(study)
    out, _ = run(study, "--workers", 1, "--keep-weights")
    assert f"weights: {len(before)} trials were complete before they were kept" in out
    assert f"weights of 0 of {len(before)} trials are in " in out
    pd.testing.assert_frame_equal(trials(study), before)


@pytest.mark.usefixtures("torch_as_it_was")
def test_a_worker_keeps_them_where_it_is_told_if_the_launcher_wants_any(tmp_path: Path) -> None:
    for wanted, number in ((None, 0), (tmp_path / "elsewhere", 2)):
        here = tmp_path / str(number)
        here.mkdir()
        url = plan(here, epochs=1, seeds=1, weights=wanted)
        worker = Worker(
            storage=url,
            study="tiny",
            workers=1,
            data_root=Path("nowhere"),
            checkpoints=here / "checkpoints",
            weights=here / "kept",
        )
        assert len(list(worker.run())) == 2
        assert states(url) == ["complete", "complete"]
        assert len(list((here / "kept").glob("*.safetensors"))) == number
    assert not (tmp_path / "elsewhere").exists()
