"""A worker: it joins a study that a launcher has planned, from any machine.

The command `ablate worker`, a Ray task and a job of a Slurm array are each one `Worker` that runs.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import InputError
from ablate.networks.own import reachable, source_hash
from ablate.processes import cpu_count, wait_politely

if TYPE_CHECKING:
    from ablate.engine.progress import Progress
    from ablate.engine.supervisor import Done


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What a worker does, and on how much of a machine. It can be sent to another one.

    Args:
        storage: the storage's URL.
        study: `STUDY/DATASET`, or `STUDY` where the storage has one of that name.
        workers: trials at once; one a CPU, or one on a GPU, if None.
        threads: CPU threads of each; an equal share if None.
        device: as torch names it, or auto.
        data_root: where the dataset lies.
        checkpoints: where the trials' states are kept; on a file system that all machines share,
            any of them takes up what another has left.
        weights: where weights are kept, where the launcher was told to keep them.
        time_limit_s: of one trial; the launcher's if None.
        imports: modules of one's own that the study's trials may import here.
        tensorboard, mlflow: as of `trackers.tracking`.
    """

    storage: str
    study: str
    workers: int | None = None
    threads: int | None = None
    device: str = "auto"
    data_root: Path = Path("data")
    checkpoints: Path = Path("checkpoints")
    weights: Path = Path("weights")
    time_limit_s: float | None = None
    imports: tuple[str, ...] = ()
    tensorboard: Path | None = None
    mlflow: str | None = None

    def run(self, progress: "Progress | None" = None) -> "Iterator[Done]":
        """Run trials until the study is done, and yield each as it ends.

        Args:
            progress: shows them.

        Raises:
            InputError: no such study there, or its dataset is not here.
            KeyboardInterrupt: asked to stop; what ran was queued again.
        """
        wait_politely()
        from ablate.data.dataset import load
        from ablate.engine.exploring_queue import ExploringQueue
        from ablate.engine.preparation import usual_cpu_split
        from ablate.engine.storage import find_study_name
        from ablate.engine.supervisor import supervise
        from ablate.engine.tracking.trackers import tracking
        from ablate.engine.trial_process import training_of
        from ablate.spec.trial import DataSpec
        from ablate.training.execution import Execution
        from ablate.training.machine import pick_device

        name = find_study_name(self.storage, self.study)
        with (
            contextlib.closing(ExploringQueue(self.storage, name)) as queue,
            tracking(name.partition("/")[0], self.tensorboard, self.mlflow) as trackers,
        ):
            job = queue.recall("job")
            if job is None:
                raise InputError(f"--study {self.study}: was not planned by `ablate run`")
            self._check_imports(job.get("imports", []))
            load(DataSpec(**job["data"]), self.data_root)  # or say at once that it is not here
            machine = Execution(device=pick_device(self.device), threads=cpu_count())
            while True:
                left, job = queue.unfinished(), queue.recall("job")
                slots, share = usual_cpu_split(machine, self.workers, max(1, left))
                threads = self.threads or share
                training = training_of(
                    job,
                    self.data_root,
                    self.checkpoints,
                    self.weights,
                    machine.device,
                    threads,
                    self.imports,
                )
                limit = self.time_limit_s or job["time_limit_s"]
                done = supervise(queue, training, slots, limit, trackers)
                yield from done if progress is None else progress(done, left, "trial")
                if not queue.recall("more"):  # the launcher tunes first, and plans the rest then
                    return
                time.sleep(1.0)

    def _check_imports(self, needed: Sequence[str]) -> None:
        """Say at once what the study's trials would not be allowed, or not able, to import."""
        reachable([Path.cwd()])
        for module in needed:
            if module not in self.imports:
                raise InputError(
                    f"--study {self.study}: its trials import {module}; allow that here with "
                    f"--imports {module}"
                )
            source_hash(module)

    def from_anywhere(self) -> "Worker":
        """The same worker with absolute paths, for a process that starts in another folder."""
        from ablate.engine.storage import absolute

        return replace(
            self,
            storage=absolute(self.storage),
            data_root=self.data_root.absolute(),
            checkpoints=self.checkpoints.absolute(),
            weights=self.weights.absolute(),
            tensorboard=self.tensorboard and self.tensorboard.absolute(),
        )
