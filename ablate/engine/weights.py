"""The weights that a trial ended with, kept in a file: RESULTS/weights/KEY.safetensors.

A safetensors file holds numbers and text, and reading it runs nothing. Beside the weights and the
buffers of the norms it holds the trial's whole description, and mean and deviation of the pixels
that its images were normalised by, so that it is enough by itself.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ablate.data.dataset import Dataset
from ablate.errors import InputError
from ablate.files import replacing
from ablate.spec.trial import TrialSpec
from ablate.study.trial_json import to_json, trial_from_json


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a file of kept weights holds.

    Args:
        spec: of the trial, whose key is the file's name.
        mean, std: of the training pixels, 0 to 255, for each channel.
        state: the network's, on the CPU, as `load_state_dict` takes it.
    """

    spec: TrialSpec
    mean: tuple[float, ...]
    std: tuple[float, ...]
    state: dict[str, Tensor]


def weights_path(folder: Path, key: str) -> Path:
    """The file of a trial's weights, in a folder of them."""
    return folder / f"{key}.safetensors"


def keep(folder: Path, spec: TrialSpec, data: Dataset, network: nn.Module) -> None:
    """Keep a trained network's weights, whole or not at all.

    Args:
        folder: of all kept weights.
        spec: of the trial.
        data: that it was trained on.
        network: trained; its layout is not kept.

    Raises:
        WriteError: the file cannot be written.
    """
    from safetensors.torch import save_file

    state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    moments = {"mean": data.mean, "std": data.std}
    about = {name: json.dumps(value.flatten().tolist()) for name, value in moments.items()}
    with replacing(weights_path(folder, spec.key)) as temporary:
        save_file(state, temporary, about | {"key": spec.key, "spec": to_json(spec)})


def read_kept(path: Path) -> Kept:
    """The weights in a file.

    Raises:
        InputError: there is no such file, or it is not one of `keep`, whole and of that name.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
        spec = trial_from_json(about["spec"])
        mean, std = (tuple(map(float, json.loads(about[name]))) for name in ("mean", "std"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{path}: not weights that --keep-weights has kept: {line}") from error
    if not spec.key == about.get("key") == path.stem:
        raise InputError(f"{path}: holds the weights of trial {spec.key}; expected {path.stem}")
    return Kept(spec=spec, mean=mean, std=std, state=state)


def say_unkept(
    folder: Path | None,
    keys: Iterable[str],
    outcomes: Mapping[str, Mapping[str, Any]],
    say: Callable[[str], object],
) -> None:
    """Say how many trials are complete, and so are not trained again, without their weights.

    Args:
        folder: of all kept weights; None where none are kept.
        keys: of the plan.
        outcomes: of what has ended, by key.
        say: prints a line.
    """
    if folder is None:
        return
    lacking = [key for key in _complete(keys, outcomes) if not weights_path(folder, key).exists()]
    if lacking:
        say(
            f"weights: {len(lacking)} trials were complete before they were kept, and have none in "
            f"{folder}; give another --out to train them anew, or go without"
        )


def say_kept(
    folder: Path | None,
    keys: Iterable[str],
    outcomes: Mapping[str, Mapping[str, Any]],
    say: Callable[[str], object],
) -> None:
    """Say how many of the complete trials have their weights here, and how large these are.

    Workers of other machines keep theirs where they are told to, so that there may be fewer.
    """
    if folder is None:
        return
    complete = _complete(keys, outcomes)
    kept = [path for key in complete if (path := weights_path(folder, key)).exists()]
    size = sum(path.stat().st_size for path in kept)
    say(f"weights of {len(kept)} of {len(complete)} trials are in {folder}, {size / 1e6:,.1f} MB")


def _complete(keys: Iterable[str], outcomes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [key for key in keys if key in outcomes and outcomes[key]["row"]["state"] == "complete"]
