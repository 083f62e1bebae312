"""How many images a second a network trains on and classifies, timed by torch.utils.benchmark."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ablate.model import build
from ablate.record import replacing
from ablate.spec import NetSpec, TrainSpec, content_hash

WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Throughput:
    """Medians and interquartile ranges over timed blocks, in images/s."""

    train_images_per_s: float
    train_images_per_s_iqr: float
    infer_images_per_s: float
    infer_images_per_s_iqr: float
    throughput_batch: int
    throughput_threads: int

    def row(self) -> dict[str, float | int]:
        """The columns of the results table."""
        return asdict(self)


def measure(
    net: NetSpec, train: TrainSpec, device: torch.device, threads: int, seconds: float = 1.0
) -> Throughput:
    """Time training steps and inference of one network with nothing else running.

    Args:
        net: the network; its weights and the input are random, never zero.
        train: gives the batch size and the optimizer's settings.
        device: where to run; CUDA is synchronised by the timer.
        threads: CPU threads; the timer would use one otherwise.
        seconds: the least time for each of the two measurements.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(net).to(device)
        shape = (train.batch_size, net.in_channels, net.image_size, net.image_size)
        images = torch.randn(shape).to(device)
        labels = torch.randint(net.num_classes, (train.batch_size,)).to(device)
    # A rate of zero keeps the weights, and so the work, the same from step to step.
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=0.0,
        momentum=train.momentum,
        nesterov=train.momentum > 0,
        weight_decay=train.weight_decay,
    )

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    @torch.inference_mode()
    def infer() -> None:
        network(images)

    network.train()
    trained = _rates(step, train.batch_size, threads, seconds)
    network.eval()
    inferred = _rates(infer, train.batch_size, threads, seconds)
    return Throughput(*trained, *inferred, train.batch_size, threads)


class MeasuredLatency:
    """Seconds a batch takes at inference, measured once a network and kept in a file.

    Keeping it makes a plan that was solved from measurements the same plan when it is run again.

    Args:
        path: a JSON file, made where there is none; None keeps nothing.
        device, threads: as in `measure`.
    """

    def __init__(self, path: Path | None, device: torch.device, threads: int) -> None:
        self.path, self.device, self.threads = path, device, threads
        kept = path is not None and path.exists()
        self.known: dict[str, float] = json.loads(path.read_text()) if path and kept else {}

    def __call__(self, net: NetSpec, batch: int) -> float:
        """Median over blocks, seconds."""
        name = f"{content_hash(net)}:{batch}:{self.device}:{self.threads}"
        if name not in self.known:
            recipe = TrainSpec(batch_size=batch)
            rate = measure(net, recipe, self.device, self.threads, seconds=0.3).infer_images_per_s
            self.known[name] = batch / rate
            if self.path is not None:
                with replacing(self.path) as temporary:
                    temporary.write_text(json.dumps(self.known, indent=1, sort_keys=True))
        return self.known[name]


def _rates(
    call: Callable[[], None], batch: int, threads: int, seconds: float
) -> tuple[float, float]:
    """Median and interquartile range of images/s over the timer's blocks."""
    # The timer's package looks for a CUDA toolkit and warns where there is no GPU to go with it.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    from torch.utils.benchmark import Timer

    timer = Timer("call()", globals={"call": call}, num_threads=threads)
    timer.timeit(WARM_UP_CALLS)
    times = timer.blocked_autorange(min_run_time=seconds).times
    lower, median, upper = np.percentile(batch / np.asarray(times), [25, 50, 75])
    return float(median), float(upper - lower)
