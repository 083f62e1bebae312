"""Trials as runs of TensorBoard."""

from pathlib import Path
from typing import TYPE_CHECKING

from ablate.engine.lease import Assignment
from ablate.engine.tracking.log import Epoch, described, file_name, final, metrics, missing
from ablate.training.outcome import Outcome

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


class TensorBoardLog:
    """Event files in FOLDER/STUDY/DATASET/CELL-seedN-KEY, one folder a trial.

    A trial that is tried again goes on in its folder, and TensorBoard forgets what the lost try
    had written beyond that point.

    Args:
        folder: of all runs.
        study: its name.

    Raises:
        InputError: TensorBoard is not installed.
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, study: str) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401 - to say at once that it is missing
        except ImportError as error:
            raise missing("--tensorboard", "TensorBoard", "tensorboard") from error
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder / file_name(study)
        self._writers: dict[int, SummaryWriter] = {}
        self._written: dict[int, int] = {}

    def epoch(self, assignment: Assignment, epoch: Epoch) -> None:
        """Write an epoch's metrics as scalars, its number as the step."""
        step = epoch["epoch"]
        writer = self._writer(assignment, step)
        for name, value in metrics(epoch).items():
            writer.add_scalar(name, value, step)
        writer.flush()
        self._written[assignment.trial_id] = step

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        """Write what is missing, and the trial as one of TensorBoard's HParams."""
        for epoch in outcome.epochs:
            if epoch["epoch"] > self._written.get(assignment.trial_id, 0):
                self.epoch(assignment, epoch)
        step = self._written.pop(assignment.trial_id, 0)
        with self._writer(assignment, step) as writer:
            state = f"{outcome.row['state']}: {outcome.row.get('failure') or 'no failure'}"
            writer.add_text("state", state, step)
            writer.add_hparams(
                described(assignment), final(outcome), run_name=".", global_step=step
            )
        del self._writers[assignment.trial_id]

    def close(self) -> None:
        """Close the files of trials that go on elsewhere."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, assignment: Assignment, step: int) -> "SummaryWriter":
        """A trial's open file; a new one makes TensorBoard forget what is beyond `step`."""
        from torch.utils.tensorboard.writer import SummaryWriter

        if assignment.trial_id not in self._writers:
            spec = assignment.spec
            name = f"{file_name(assignment.cell)}-seed{spec.seed}-{spec.key}"
            path = self._folder / file_name(spec.data.name) / name
            self._writers[assignment.trial_id] = SummaryWriter(str(path), purge_step=step)
        return self._writers[assignment.trial_id]
