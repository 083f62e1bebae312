"""A trial's whole description as a line of JSON, and back; nothing of it is ever executed."""

import dataclasses
import json

from ablate.errors import InputError
from ablate.networks.canonical import network_of
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, Spec, TrialSpec


def to_json(spec: Spec) -> str:
    """Every field, as one line of JSON."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True)


def trial_from_json(text: str) -> TrialSpec:
    """The inverse of `to_json`; raises `InputError` for what describes no trial."""
    try:
        raw = json.loads(text)
        return TrialSpec(
            net=network_of(raw["net"]),
            train=TrainSpec(**raw["train"]),
            data=DataSpec(**raw["data"]),
            seed=raw["seed"],
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"no trial's description: {type(error).__name__}: {error}") from error
