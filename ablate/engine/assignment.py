"""What a process is told to run; it knows nothing of the storage that the trial is kept in."""

from dataclasses import dataclass

from ablate.spec import TrialSpec


@dataclass(frozen=True)
class Assignment:
    """A trial that this worker, and no other, is to run.

    Args:
        trial_id, number: of the attempt.
        cell: for the progress display.
        spec: the trial.
        explore: whether it is told after each epoch if it is to go on, and keeps off the test
            split.
        kills: processes that have died of it.
    """

    trial_id: int
    number: int
    cell: str
    spec: TrialSpec
    explore: bool = False
    kills: int = 0
