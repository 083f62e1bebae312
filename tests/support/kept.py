"""What a test may change for the whole process, put back."""

import contextlib
import os
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def torch_kept() -> Iterator[None]:
    """Put back what `ablate.training.execution.set_up` changes."""
    threads, benchmark = torch.get_num_threads(), torch.backends.cudnn.benchmark
    deterministic = torch.are_deterministic_algorithms_enabled()
    workspace = os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cudnn.benchmark = benchmark
        torch.use_deterministic_algorithms(deterministic)
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
        if workspace is not None:
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace
