"""Each contender in a process of its own, since threads, allocator and cuDNN are set for a process.

They run one at a time: a process waits at its `Lap` until it is called.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import torch

from ablate.networks.model import build
from ablate.processes import end_with_parent
from benchmarks.contenders import contenders
from benchmarks.limit import finish
from benchmarks.work import NET, RECIPE, SEED, Work, random_images


@dataclass(frozen=True)
class Settings:
    """What is run, in short: a process makes its own images from it.

    Args:
        images: in an epoch; an incomplete last batch is left out.
        rounds: of two timed epochs of each contender, after one that is not timed.
        device: as torch names it.
        threads: CPU threads of each contender.
    """

    images: int
    rounds: int
    device: str
    threads: int

    def work(self) -> Work:
        """The contender's."""
        recipe = replace(RECIPE, epochs=1 + 2 * self.rounds)
        return Work(random_images(self.images), recipe, self.device, self.threads)


class RemoteLap:
    """Starts an epoch when the other end says so, and sends it the seconds."""

    def __init__(self, connection: Connection, device: torch.device) -> None:
        self.connection, self.device = connection, device

    def start(self) -> None:
        """Wait for the start."""
        self.connection.recv()
        self.began = time.perf_counter()

    def stop(self) -> None:
        """Wait for the device, and send the time."""
        finish(self.device)
        self.connection.send(time.perf_counter() - self.began)


@contextmanager
def running(names: Iterable[str], settings: Settings) -> Iterator[dict[str, Callable[[], float]]]:
    """Start the contenders; calling one runs its next epoch and gives the seconds it took."""
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    calls: dict[str, Callable[[], float]] = {}
    try:
        for name in names:
            here, there = context.Pipe()
            process: BaseProcess = context.Process(target=_serve, args=(name, settings, there))
            process.start()
            there.close()
            processes.append(process)
            calls[name] = _caller(name, here)
        yield calls
        for process in processes:
            process.join()  # after its last epoch it ends by itself
    finally:
        for process in processes:
            process.kill()


def _serve(name: str, settings: Settings, connection: Connection) -> None:
    end_with_parent()
    torch.manual_seed(SEED)
    lap = RemoteLap(connection, torch.device(settings.device))
    contenders(compiled=True)[name](settings.work(), build(NET), lap)


def _caller(name: str, connection: Connection) -> Callable[[], float]:
    def epoch() -> float:
        try:
            connection.send(None)
            seconds: float = connection.recv()
        except (EOFError, ConnectionError) as error:
            raise RuntimeError(f"{name} ended early; its own error is above") from error
        return seconds

    return epoch
