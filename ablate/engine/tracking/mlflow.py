"""Trials as runs of MLflow."""

import os
import time
from collections.abc import Mapping

from ablate.engine.lease import Assignment
from ablate.engine.storage import shown
from ablate.engine.tracking.log import Epoch, described, final, metrics, missing
from ablate.errors import InputError
from ablate.training.outcome import Outcome

SETTINGS = {  # where the user has set none
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
WANTED = ("complete", "pruned")  # states of trials with which nothing went wrong


class MlflowLog:
    """One MLflow run a trial, in the experiment STUDY/DATASET.

    A trial that is tried again goes on in its run: the tag `ablate.key` finds it.

    Args:
        uri: of the tracking server, or of its database.
        study: its name.

    Raises:
        InputError: MLflow is not installed, or has no use for the URI.
    """

    def __init__(self, uri: str, study: str) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise missing("--mlflow", "MLflow", "mlflow") from error
        try:
            self._client = MlflowClient(tracking_uri=uri)
        except MlflowException as error:
            line = " ".join(str(error).replace(uri, shown(uri)).split())[:200]
            raise InputError(
                f"--mlflow {shown(uri)}: expected http://HOST:PORT or sqlite:///PATH ({line})"
            ) from error
        self._study = study
        self._runs: dict[str, tuple[str, set[int]]] = {}

    def epoch(self, assignment: Assignment, epoch: Epoch) -> None:
        """Write an epoch's metrics, its number as the step."""
        run, written = self._run(assignment)
        if epoch["epoch"] not in written:
            self._log(run, metrics(epoch), epoch["epoch"])
            written.add(epoch["epoch"])

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        """Write what is missing, the final metrics and the state, and end the run."""
        for epoch in outcome.epochs:
            self.epoch(assignment, epoch)
        run, written = self._run(assignment)
        self._log(run, final(outcome), max(written, default=0))
        state = outcome.row["state"]
        self._client.set_tag(run, "ablate.state", state)
        self._client.set_tag(run, "ablate.failure", outcome.row.get("failure") or "")
        self._client.set_terminated(run, "FINISHED" if state in WANTED else "FAILED")
        del self._runs[assignment.spec.key]

    def close(self) -> None:
        """Nothing is open; trials that go on elsewhere stay "running"."""

    def _log(self, run: str, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        self._client.log_batch(run, [Metric(*value, now, step) for value in values.items()])

    def _run(self, assignment: Assignment) -> tuple[str, set[int]]:
        """A trial's run, made if there is none, and the epochs that were written to it."""
        key = assignment.spec.key
        if key not in self._runs:
            experiment = self._experiment(f"{self._study}/{assignment.spec.data.name}")
            found = self._client.search_runs([experiment], f"tags.`ablate.key` = '{key}'")
            if found:
                run = found[0].info.run_id
                self._client.update_run(run, status="RUNNING")
                history = self._client.get_metric_history(run, "val_accuracy")
                self._runs[key] = run, {value.step for value in history}
            else:
                self._runs[key] = self._new_run(experiment, assignment), set()
        return self._runs[key]

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException:  # another worker may have made it just now
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _new_run(self, experiment: str, assignment: Assignment) -> str:
        from mlflow.entities import Param

        tags = {"ablate.key": assignment.spec.key}
        name = f"{assignment.cell}, seed {assignment.spec.seed}"
        run: str = self._client.create_run(experiment, tags=tags, run_name=name).info.run_id
        fields = [Param(field, str(value)) for field, value in described(assignment).items()]
        self._client.log_batch(run, params=fields)
        return run
