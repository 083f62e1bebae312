"""What made a row: operating system, device, driver, versions of the packages, commit."""

import functools
import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ablate import __version__
from ablate.errors import InputError

PACKAGES = ("torch", "torchvision", "numpy", "optuna", "fvcore", "scikit-learn")
GPU_STATE = (
    "clocks.sm",
    "clocks.mem",
    "power.draw",
    "power.limit",
    "temperature.gpu",
    "pstate",
)


def pick_device(wanted: str) -> str:
    """`auto` is CUDA where there is one, else the CPU; others are checked.

    Raises:
        InputError: not a device of this machine.
    """
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = ["cpu", *(["cuda"] if count else []), *(f"cuda:{index}" for index in range(count))]
    if wanted not in known:
        raise InputError(
            f"--device {wanted}: torch {torch.__version__} finds {count or 'no'} CUDA device"
            f"{'s' if count > 1 else ''}; expected auto or {', '.join(known)}"
        )
    return wanted


@functools.cache
def describe(device: str) -> dict[str, Any]:
    """The columns of the results table that say what made a row, for a device as torch names it."""
    commit, dirty = _commit()
    return {
        "device": f"{device.partition(':')[0]}: {_device_name(device)}",
        "driver": _driver(device),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": json.dumps(
            {"python": platform.python_version(), "ablate": __version__}  # of the code that runs
            | {name: version(name) for name in PACKAGES}
        ),
        "commit": commit,
        "dirty": dirty,
    }


def gpu_state(device: str) -> str | None:
    """How fast and how warm a GPU is at this moment, for a device as torch names it.

    Returns:
        None for a CPU. For CUDA a JSON object of clocks (MHz), power (W), temperature (C) and the
        performance state; a value is "unknown" where nvidia-smi is missing or fails.
    """
    if not device.startswith("cuda"):
        return None
    import torch

    uuid = torch.cuda.get_device_properties(device).uuid  # torch's index is not nvidia-smi's
    query = ["nvidia-smi", f"--id=GPU-{uuid}", f"--query-gpu={','.join(GPU_STATE)}"]
    return _as_json(_output([*query, "--format=csv,noheader,nounits"], Path.cwd()))


def _as_json(line: str | None) -> str:
    """The fields of a GPU's state as nvidia-smi prints them; numbers as such."""
    values = line.split(", ") if line else ["unknown"] * len(GPU_STATE)
    numbers = [float(value) if value.replace(".", "").isdecimal() else value for value in values]
    return json.dumps(dict(zip(GPU_STATE, numbers, strict=True)))


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _driver(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    import torch

    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = _output(query, Path.cwd())
    return f"{driver.splitlines()[0] if driver else 'unknown'}, CUDA {torch.version.cuda}"


def _commit() -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the checkout this package runs from, None where it is none."""
    package = Path(__file__).resolve().parent.parent
    commit = _output(["git", "rev-parse", "HEAD"], package)
    tracked = _output(["git", "ls-files", "--", str(package / "__init__.py")], package)
    if not commit or not tracked:
        return None, None
    return commit, bool(_output(["git", "status", "--porcelain", "--", str(package)], package))


def _output(command: list[str], where: Path) -> str | None:
    """What a command prints, None where it is missing or fails."""
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
