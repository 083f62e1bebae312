"""A trial's whole description as a line of JSON, and back; nothing of it is ever executed."""

import dataclasses
import json
from typing import Any

from ablate.errors import InputError
from ablate.spec import DataSpec, NetSpec, Spec, TrainSpec, TrialSpec


def to_json(spec: Spec) -> str:
    """Every field, as one line of JSON."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True)


def trial_from_json(text: str) -> TrialSpec:
    """The inverse of `to_json`; raises `InputError` for what describes no trial."""
    try:
        raw = json.loads(text)
        return TrialSpec(
            net=NetSpec(**{key: tuples(value) for key, value in raw["net"].items()}),
            train=TrainSpec(**raw["train"]),
            data=DataSpec(**raw["data"]),
            seed=raw["seed"],
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"no trial's description: {type(error).__name__}: {error}") from error


def tuples(value: Any) -> Any:
    """What a file gives as a list, as a tuple, and so the lists within it; else as it is."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value
