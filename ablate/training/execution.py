"""How a network is run: device, threads, layout, compilation. None of it is what is learned.

What it changes is speed, and the order in which sums are rounded; hence it is the same for all arms
of a study, and each row of the results says what it was.
"""

import ctypes
import os
import platform
from dataclasses import dataclass

import torch
from torch import nn

from ablate.spec.recipe import TrainSpec

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)
# What torch, CUDA and its libraries say where their error has no type of its own.
OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "allocate memory",
    "not enough memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How to run.

    Args:
        device: as torch names it.
        threads: CPU threads of the process.
        channels_last: the layout of weights and activations; contiguous otherwise.
        compiled: by `torch.compile`, with CUDA graphs on a GPU.
        deterministic: refuse operators whose result can differ from run to run. On the CPU all
            that are used here are deterministic anyway.
    """

    device: str = "cpu"
    threads: int = 1
    channels_last: bool = False
    compiled: bool = False
    deterministic: bool = False

    @property
    def memory_format(self) -> str:
        """The layout's name in the results table."""
        return "channels_last" if self.channels_last else "contiguous"


def set_up(execution: Execution) -> torch.device:
    """Make this process run that way, and return the device. Call it before CUDA is used."""
    torch.set_num_threads(execution.threads)
    if execution.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if torch.are_deterministic_algorithms_enabled() != execution.deterministic:
        torch.use_deterministic_algorithms(execution.deterministic)  # takes a second to import
    torch.backends.cudnn.benchmark = not execution.deterministic
    keep_freed_memory()
    return torch.device(execution.device)


def place(network: nn.Module, execution: Execution) -> nn.Module:
    """The network on its device, in its layout, and compiled if so wished, in place."""
    layout = torch.channels_last if execution.channels_last else torch.contiguous_format
    network.to(torch.device(execution.device), memory_format=layout)  # type: ignore[call-overload]
    if execution.compiled:
        on_cuda = execution.device.startswith("cuda")
        network.compile(mode="reduce-overhead" if on_cuda else "default")
    return network


def dtype_name(train: TrainSpec, execution: Execution) -> str:
    """What weights and activations are computed in, as the results table says it."""
    if train.precision == "bfloat16":
        return "bfloat16 autocast"
    if execution.device.startswith("cuda") and torch.backends.cudnn.allow_tf32:
        return "float32 (TF32 convolutions)"
    return "float32"


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory did not suffice: a GPU's, or the CPU's allocator's."""
    if isinstance(error, RuntimeError) and any(text in str(error) for text in OUT_OF_MEMORY):
        return True
    return isinstance(error, torch.OutOfMemoryError | MemoryError)


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, instead of giving it back to the system at once.

    A step frees and takes tensors of some MB; glibc maps each anew, and the kernel clears every
    page of it. Other C libraries, and other systems, are left as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
