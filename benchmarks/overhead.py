"""What a study adds to the time of the bare training loop: `python -m benchmarks.overhead`.

The same trials, in turn: built, trained and evaluated in this process; and queued, run by the
supervisor in a process of their own with checkpoints, and stored. One CPU thread each.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path


def overhead(folder: Path, epochs: int, trials: int) -> tuple[float, list[float]]:
    """Seconds of a trial in the bare loop (median), and a study's time over it, for each trial."""
    # Each process that is started imports this module, and is not to import all this for it.
    import torch

    from ablate.data.dataset import load
    from ablate.engine.queue import Queue
    from ablate.engine.storage import sqlite_url
    from ablate.engine.supervisor import supervise
    from ablate.engine.trial_process import Training
    from ablate.networks.model import build
    from ablate.processes import TRIAL_IMPORTS, prepare_forks
    from ablate.spec.network import NetSpec
    from ablate.spec.recipe import TrainSpec
    from ablate.spec.trial import DataSpec, TrialSpec
    from ablate.study.cells import Cell
    from ablate.study.plan import Planned
    from ablate.training.execution import Execution, set_up
    from ablate.training.loop import evaluate, fit

    prepare_forks(TRIAL_IMPORTS)  # as the command does, while it imports
    net = NetSpec(widths=(16, 32, 64), in_channels=1, image_size=8)
    train = TrainSpec(epochs=epochs, batch_size=64)
    cell = Cell("only", {"axis": "only"}, net)
    device = set_up(Execution())
    data = load(DataSpec(), Path("nowhere")).to(device)
    training = Training(
        data=DataSpec(),
        data_root=Path("nowhere"),
        execution=Execution(),
        mechanism=False,
        checkpoints=folder / "checkpoints",
    )
    queue = Queue(sqlite_url(folder / "study.db"), "overhead/digits")
    bare, ratios = [], []
    for seed in range(trials + 1):  # the first warms up
        torch.manual_seed(seed)
        began = time.perf_counter()
        network = build(net)
        fit(network, data, train, seed, lambda _: None)
        evaluate(network, data, data.test, train.precision)
        alone = time.perf_counter() - began
        began = time.perf_counter()
        queue.submit([Planned(cell, TrialSpec(net=net, train=train, data=DataSpec(), seed=seed))])
        (done,) = supervise(queue, training, 1, 3600.0)
        assert done.state == "complete"
        if seed:
            bare.append(alone)
            ratios.append((time.perf_counter() - began) / alone)
    return statistics.median(bare), ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--trials", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare, ratios = overhead(Path(folder), args.epochs, args.trials)
    print(
        f"a study over the bare loop, trials of {bare:.1f} s: {statistics.median(ratios):.3f} "
        f"(median; {min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} trials)"
    )


if __name__ == "__main__":
    main()
