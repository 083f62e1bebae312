"""TensorBoard and MLflow: their own readers read back what was written; no trial is harmed."""

import shutil
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ablate.engine.lease import Assignment
from ablate.engine.tracking.trackers import Background, tracking
from ablate.errors import InputError
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.outcome import Outcome

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# MLflow's SQLAlchemy models use an option that SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


def assignment(trial_id: int = 7, cell: str = "wide", seed: int = 3) -> Assignment:
    spec = TrialSpec(
        net=NetSpec(widths=(4, 8), depths=(1, 1), strides=(1, 2)),
        train=TrainSpec(epochs=3, lr=0.25),
        data=DataSpec(),
        seed=seed,
    )
    return Assignment(trial_id, trial_id, cell, spec)


def epoch(number: int, accuracy: float | None = None) -> dict[str, Any]:
    return {
        "epoch": number,
        "train_loss": 1 / number,
        "val_loss": 2 / number,
        "val_accuracy": number / 10 if accuracy is None else accuracy,
        "grad_norm": 0.5,
        "seconds": 0.01,
    }


def outcome(state: str = "complete", epochs: int = 3) -> Outcome:
    row: dict[str, Any] = {"state": state, "train_seconds": 1.5}
    if state == "complete":
        row |= {"val_accuracy": 0.3, "test_accuracy": 0.25, "val_loss": 0.7, "train_loss": 0.6}
    else:
        row |= {"failure": "loss nan in epoch 3"}
    return Outcome(row, [epoch(number) for number in range(1, epochs + 1)])


def track(
    tensorboard: Path | None, mlflow: str | None, told: Mapping[Assignment, Outcome | None]
) -> None:
    """Two epochs of each trial in turn, and its end where it has an outcome."""
    with tracking("study", tensorboard, mlflow) as trackers:
        for tracker in trackers:
            for number in (1, 2):
                for trial in told:
                    tracker.epoch(trial, epoch(number))
            for trial, end in told.items():
                if end is not None:
                    tracker.end(trial, end)


# TensorBoard


def events(folder: Path) -> dict[str, "EventAccumulator"]:
    """Each run in a folder of event files, by its path, as TensorBoard reads it."""
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="needs TensorBoard: pip install 'ablate-resnet[tensorboard]'",
    )
    found = {}
    for path in {path.parent for path in folder.rglob("events.out.tfevents.*")}:
        found[path.relative_to(folder).as_posix()] = module.EventAccumulator(str(path)).Reload()
    return found


def curve(run: "EventAccumulator", name: str) -> dict[int, float]:
    return {event.step: pytest.approx(event.value) for event in run.Scalars(name)}


def hparams(run: "EventAccumulator") -> dict[str, Any]:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    fields = HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in fields.items()}


@pytest.fixture
def tensorboard(tmp_path: Path) -> Path:
    pytest.importorskip(
        "tensorboard", reason="needs TensorBoard: pip install 'ablate-resnet[tensorboard]'"
    )
    return tmp_path / "runs"


def test_tensorboard_has_a_run_a_trial_with_curves_and_description(tensorboard: Path) -> None:
    wide, narrow = assignment(1), assignment(2, "narrow / A", seed=4)
    track(tensorboard, None, {wide: outcome(), narrow: outcome("diverged", epochs=2)})
    runs = events(tensorboard)
    assert set(runs) == {
        f"study/digits/wide-seed3-{wide.spec.key}",
        f"study/digits/narrow_A-seed4-{narrow.spec.key}",
    }
    run = runs[f"study/digits/wide-seed3-{wide.spec.key}"]
    assert curve(run, "val_accuracy") == {1: 0.1, 2: 0.2, 3: 0.3}  # the third came with the end
    assert curve(run, "train_loss") == {1: 1.0, 2: 0.5, 3: 1 / 3}
    assert curve(run, "final/test_accuracy") == {3: 0.25}
    assert hparams(run)["net.widths"] == "(4, 8)"
    assert hparams(run)["train.lr"] == 0.25
    assert hparams(run)["cell"] == "wide"
    assert run.Tensors("state/text_summary")[0].tensor_proto.string_val == [b"complete: no failure"]
    diverged = runs[f"study/digits/narrow_A-seed4-{narrow.spec.key}"]
    assert diverged.Tensors("state/text_summary")[0].tensor_proto.string_val == [
        b"diverged: loss nan in epoch 3"
    ]
    assert "final/test_accuracy" not in diverged.Tags()["scalars"]


def test_a_lost_try_leaves_no_second_curve_in_tensorboard(tensorboard: Path) -> None:
    track(tensorboard, None, {assignment(1): None})  # two epochs, and then its worker was killed
    with tracking("study", tensorboard, None) as trackers:
        trackers[0].epoch(assignment(2), epoch(2, accuracy=0.9))
        trackers[0].end(assignment(2), outcome())
    (run,) = events(tensorboard).values()
    assert [event.step for event in run.Scalars("val_accuracy")] == [1, 2, 3]
    assert curve(run, "val_accuracy") == {1: 0.1, 2: 0.9, 3: 0.3}


@pytest.mark.parametrize("name", ["../../escape", "..", "/etc/x", "a\0b", "x" * 300])
def test_no_name_leads_out_of_the_folder(tensorboard: Path, name: str) -> None:
    with tracking(name, tensorboard, None) as trackers:
        trackers[0].end(assignment(cell=name), outcome())
    assert len(events(tensorboard)) == 1
    assert [path.name for path in tensorboard.parent.iterdir()] == ["runs"]


# MLflow


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take it some seconds to make."""
    pytest.importorskip("mlflow", reason="needs MLflow: pip install 'ablate-resnet[mlflow]'")
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with tracking("study", None, f"sqlite:///{path}"):
        return path


@pytest.fixture
def mlflow(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a database without runs."""
    monkeypatch.chdir(tmp_path)  # where MLflow would keep files, if there were any
    monkeypatch.setattr("ablate.engine.tracking.trackers.CLOSING_S", 60.0)
    return f"sqlite:///{shutil.copy(database, tmp_path / 'mlflow.db')}"


def client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def runs(uri: str) -> dict[str, "Run"]:
    """Each run of the study's experiment, by its name."""
    experiment = client(uri).get_experiment_by_name("study/digits")
    assert experiment is not None
    return {run.info.run_name: run for run in client(uri).search_runs([experiment.experiment_id])}


def steps(uri: str, run: "Run", name: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in client(uri).get_metric_history(run.info.run_id, name)]


def test_mlflow_has_a_run_a_trial_with_curves_and_description(mlflow: str) -> None:
    track(
        None, mlflow, {assignment(1): outcome(), assignment(2, "narrow", 4): outcome("diverged", 2)}
    )
    found = runs(mlflow)
    assert set(found) == {"wide, seed 3", "narrow, seed 4"}
    run = found["wide, seed 3"]
    assert run.info.status == "FINISHED"
    assert steps(mlflow, run, "val_accuracy") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert steps(mlflow, run, "final/test_accuracy") == [(3, 0.25)]
    assert run.data.params["net.widths"] == "(4, 8)"
    assert run.data.params["train.lr"] == "0.25"
    assert run.data.params["cell"] == "wide"
    assert run.data.tags["ablate.state"] == "complete"
    diverged = found["narrow, seed 4"]
    assert diverged.info.status == "FAILED"
    assert diverged.data.tags["ablate.failure"] == "loss nan in epoch 3"
    assert "final/test_accuracy" not in diverged.data.metrics


def test_a_trial_tried_again_goes_on_in_its_mlflow_run(mlflow: str) -> None:
    track(None, mlflow, {assignment(1): None})
    assert runs(mlflow)["wide, seed 3"].info.status == "RUNNING"
    track(None, mlflow, {assignment(2): outcome()})
    (run,) = runs(mlflow).values()
    assert run.info.status == "FINISHED"
    assert steps(mlflow, run, "val_accuracy") == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_a_server_that_is_away_is_said_once_and_shows_no_password(
    mlflow: str, capsys: pytest.CaptureFixture[str]
) -> None:
    track(None, "http://me:hunter2@127.0.0.1:9", {assignment(): outcome()})
    err = capsys.readouterr().err
    assert err.startswith("ablate: --mlflow http://me@127.0.0.1:9: ")
    assert "the trials go on" in err
    assert err.count("\n") == 1
    assert "hunter2" not in err


@pytest.mark.parametrize("uri", ["foo://bar", "files/here"])
def test_a_uri_that_mlflow_cannot_use_is_refused_in_a_line(mlflow: str, uri: str) -> None:
    with pytest.raises(InputError, match=r"--mlflow .*expected http://HOST:PORT or") as caught:
        track(None, uri, {})
    assert "\n" not in str(caught.value)


# Both


def test_nothing_is_tracked_unless_asked_for() -> None:
    with tracking("study", None, None) as trackers:
        assert trackers == ()


@pytest.mark.parametrize(
    ("option", "module", "extra"),
    [("tensorboard", "torch.utils.tensorboard", "tensorboard"), ("mlflow", "mlflow", "mlflow")],
)
def test_a_missing_package_is_named_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # Python's own way to say: not to be found
    wanted: dict[str, Any] = {"tensorboard": None, "mlflow": None}
    wanted[option] = tmp_path if option == "tensorboard" else "http://127.0.0.1:9"
    with (
        pytest.raises(
            InputError, match=rf"--{option} needs .* pip install 'ablate-resnet\[{extra}\]'"
        ),
        tracking("study", **wanted),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_said_once_and_harms_nothing(
    tensorboard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensorboard.mkdir()
    (tensorboard / "study").write_text("in the way")
    track(tensorboard, None, {assignment(1): outcome(), assignment(2, "narrow"): outcome()})
    err = capsys.readouterr().err
    assert err.startswith(f"ablate: --tensorboard {tensorboard}: ")
    assert err.count("\n") == 1


def test_a_log_that_hangs_holds_up_neither_trials_nor_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    class Hung:
        def epoch(self, assignment: Assignment, epoch: Mapping[str, Any]) -> None:
            release.wait()

        def end(self, assignment: Assignment, outcome: Outcome) -> None:
            raise AssertionError

        def close(self) -> None:
            pass

    monkeypatch.setattr("ablate.engine.tracking.trackers.CLOSING_S", 0.1)
    tracker = Background("--mlflow somewhere", Hung())
    for number in range(1, 1000):
        tracker.epoch(assignment(), epoch(number))
    tracker.close()
    assert "records were not written in time; the trials go on" in capsys.readouterr().err
    release.set()
