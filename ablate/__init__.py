"""Architecture search and ablation of residual networks, with the evidence.

What this module lists is the public API. Each name is imported when it is first used, so that
`import ablate` loads neither torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.api import Results as Results
    from ablate.api import load as load
    from ablate.api import load_study as load_study
    from ablate.api import run_study as run_study
    from ablate.errors import InputError as InputError
    from ablate.networks.cost import count as count
    from ablate.networks.model import build as build
    from ablate.networks.presets import preset as preset
    from ablate.networks.widths import stage_widths as stage_widths
    from ablate.spec.network import NetSpec as NetSpec
    from ablate.spec.recipe import TrainSpec as TrainSpec

__version__ = "0.1.0"

_HOME = {
    "load_study": "ablate.api",
    "run_study": "ablate.api",
    "load": "ablate.api",
    "Results": "ablate.api",
    "NetSpec": "ablate.spec.network",
    "TrainSpec": "ablate.spec.recipe",
    "stage_widths": "ablate.networks.widths",
    "preset": "ablate.networks.presets",
    "count": "ablate.networks.cost",
    "build": "ablate.networks.model",
    "InputError": "ablate.errors",
}
__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ablate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*(name for name in globals() if name.startswith("__")), *_HOME])
