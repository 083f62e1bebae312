"""Fixtures that several test modules share."""

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support")

from ablate.processes import TRIAL_IMPORTS, wait_politely

# Side by side, each worker of the tests has a CPU of its own, and so has all that it starts: the
# threads of a network that share one CPU wait for one another most of the time.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if WORKER and hasattr(os, "sched_setaffinity"):
    CPUS = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {CPUS[int(WORKER) % len(CPUS)]})

wait_politely()  # before torch is loaded, as the command line does

# A shell that runs the tests in the background has it ignored, and so would their processes.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Python's fork server finds there what it is to import beforehand, and there alone.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import torch

from ablate.data.dataset import Dataset, load
from ablate.spec.trial import DataSpec
from support.commands import STUDY, Finished, run
from support.drawings import undrawn as no_drawing
from support.kept import torch_kept
from support.postgres import postgres as postgres
from support.quick import Quick

# A process has one fork server, with what was wanted of it first: here, for every kind of test.
Quick.preload = (*TRIAL_IMPORTS, *Quick.preload)


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One CPU thread: sums come in one order, and tiny networks run best so."""
    with torch_kept():
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The default dataset."""
    return load(DataSpec(), Path("nowhere"))


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """What `ablate.training.execution.set_up` changes for the whole process, put back."""
    with torch_kept():
        yield


@pytest.fixture
def undrawn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Figures are saved empty, for tests of what else a report says; but where marked `drawn`."""
    with nullcontext() if request.node.get_closest_marker("drawn") else no_drawing():
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The study of `support.commands`, run once for all tests; copy what is to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(STUDY)
    out, _ = run(folder / "tiny.toml", "--workers", 1)
    return Finished(folder, out)
