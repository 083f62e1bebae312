"""Fixtures that several test modules share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support")

from ablate.data.dataset import Dataset, load
from ablate.processes import wait_politely
from ablate.spec import DataSpec

wait_politely()  # before torch is loaded, as the command line does

# A shell that runs the tests in the background has it ignored, and so would their processes.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Python's fork server finds there what it is to import beforehand, and there alone.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import torch

from support.postgres import postgres as postgres


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One CPU thread: sums come in one order, and tiny networks run best so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The default dataset."""
    return load(DataSpec(), Path("nowhere"))


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """What `ablate.training.execution.set_up` changes for the whole process, put back."""
    threads, benchmark = torch.get_num_threads(), torch.backends.cudnn.benchmark
    deterministic = torch.are_deterministic_algorithms_enabled()
    workspace = os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    yield
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = benchmark
    torch.use_deterministic_algorithms(deterministic)
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    if workspace is not None:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace
