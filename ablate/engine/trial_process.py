"""A trial in a process of its own: what the child does, and what its parent says where it cannot.

The fork server of `ablate.processes` imports this module once, torch with it, and every child
begins there.
"""

import signal
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar

from ablate.data.dataset import load
from ablate.engine.lease import Assignment
from ablate.engine.weights import keep
from ablate.errors import InputError
from ablate.networks.own import check_own
from ablate.processes import TRIAL_IMPORTS
from ablate.spec.trial import DataSpec
from ablate.training.execution import Execution, set_up
from ablate.training.loop import Epoch, StoppedError
from ablate.training.outcome import Outcome
from ablate.training.trial import PrunedError, ended_trial, run_trial


@dataclass(frozen=True, kw_only=True)
class Training:
    """Trains claimed trials: the `ablate.engine.supervisor.Work` of every study.

    Args:
        data, data_root: the dataset and where it lies.
        execution: how one process runs.
        mechanism: whether each trial measures its trained network stage by stage.
        checkpoints: the folder of the trials' states while they run.
        weights: the folder where the weights that trials end with are kept; None for nowhere.
        imports: modules of one's own that trials may import here; no others are.
    """

    preload: ClassVar[tuple[str, ...]] = TRIAL_IMPORTS

    data: DataSpec
    data_root: Path
    execution: Execution
    mechanism: bool
    checkpoints: Path
    weights: Path | None = None
    imports: tuple[str, ...] = ()

    def run(self, assignment: Assignment, pipe: Connection) -> None:
        """Train, and send each epoch and the outcome; on SIGTERM keep the state and end.

        An `InputError` is sent where none can be trained here: no data, no room for checkpoints,
        no module of one's own.
        """
        asked = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked.set())
        device = set_up(self.execution)

        def tell(epoch: Epoch) -> None:
            pipe.send(asdict(epoch))
            if assignment.explore and not pipe.recv():
                raise PrunedError(f"after epoch {epoch.epoch}")

        try:
            check_own(assignment.spec.net.own, self.imports)
            data = load(self.data, self.data_root).to(device)
            outcome = run_trial(
                assignment.spec,
                data,
                self.execution,
                self._checkpoint(assignment),
                self.mechanism,
                test=not assignment.explore,
                on_epoch=tell,
                keep=partial(keep, self.weights, assignment.spec, data) if self.weights else None,
                stop=asked.is_set,
            )
        except StoppedError:
            return
        except InputError as error:
            pipe.send(error)
            return
        pipe.send(outcome)

    def ended(self, assignment: Assignment, state: str, reason: str) -> Outcome:
        """The outcome of a trial whose process could not tell one."""
        return ended_trial(assignment.spec, state, reason, self.execution)

    def discard(self, assignment: Assignment) -> None:
        """Delete the state of a trial that has ended."""
        for path in self.checkpoints.glob(f"{assignment.spec.key}.*"):
            path.unlink(missing_ok=True)

    def to_job(self) -> dict[str, Any]:
        """What a worker on another machine must know, as JSON values."""
        return {
            "data": asdict(self.data),
            "execution": asdict(self.execution),
            "mechanism": self.mechanism,
            "keep_weights": self.weights is not None,
            "imports": list(self.imports),
        }

    def _checkpoint(self, assignment: Assignment) -> Path:
        return self.checkpoints / f"{assignment.spec.key}.pt"


def training_of(
    job: Mapping[str, Any],
    data_root: Path,
    checkpoints: Path,
    weights: Path,
    device: str,
    threads: int,
    imports: tuple[str, ...] = (),
) -> Training:
    """The work that a launcher has described, on this machine.

    Args:
        job: of `Training.to_job`.
        data_root, checkpoints, weights: of this machine; the launcher says if weights are kept.
        device, threads: of one process here; layout and the like are the launcher's.
        imports: modules of one's own that trials may import here.
    """
    return Training(
        data=DataSpec(**job["data"]),
        data_root=data_root,
        execution=Execution(**job["execution"] | {"device": device, "threads": threads}),
        mechanism=job["mechanism"],
        checkpoints=checkpoints,
        weights=weights if job.get("keep_weights") else None,
        imports=imports,
    )
