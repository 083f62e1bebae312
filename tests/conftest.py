"""Fixtures that several test modules share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ablate.data import Dataset, load
from ablate.spec import DataSpec


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
