"""`ablate export`: a trained network as a file, checked to give the same logits."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.cli.reporting import FAILED, Parser, reporting
from ablate.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from ablate.engine.weights import Kept
    from ablate.networks.weights.formats import Format

FORMATS = ("safetensors", "onnx", "torch")
CHECKED = 64  # images whose logits are compared
KEY_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial whose weights are wanted: the cell that it is of, where it is of one, and its key."""

    name: str
    key: str


def main(argv: Sequence[str] | None = None, prog: str = "ablate export") -> int:
    """Run the command and return its exit status: 0, 1 logits differ, 2 bad input, 130 stopped."""
    args = make_parser(prog).parse_args(argv)
    return reporting(lambda: _export(args))


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Write a network that `ablate run --keep-weights` trained, with its weights, "
        "what it takes and how its images were normalised, and check that what was written gives "
        "the same logits.",
        epilog="Exit status: 0 done, 1 the logits differ and nothing was written, 2 bad input, "
        "130 stopped.",
    )
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="such as results/STUDY/DATASET")
    parser.add_argument(
        "name", metavar="NAME", help="an arm, such as `finalist 1`; or the key of a trial"
    )
    parser.add_argument(
        "--format",
        required=True,
        choices=FORMATS,
        help="safetensors: weights alone, to the bit; onnx: graph and weights "
        "(ablate-resnet[export]); torch: a program for torch.export.load (.pt2)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help="the trial of an arm with this seed (default: the lowest that is kept)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="what is written (default: RUN_DIR/exported/KEY with the format's suffix); beside it "
        "goes a .json that says what the network is and takes",
    )
    parser.add_argument("--force", action="store_true", help="replace what is there")
    parser.add_argument(
        "--data-root",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="where the dataset lies, of whose test images logits are compared (default: data); "
        "where it does not, noise is taken",
    )
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of 0 or more")
    return int(text)


def _export(args: argparse.Namespace) -> int:
    from ablate.engine.weights import read_kept, weights_path
    from ablate.files import write_text
    from ablate.networks.weights import formats
    from ablate.results.names import EXPORTED, WEIGHTS

    form: Format = args.format
    weights = args.run / WEIGHTS
    trial = _find(args.run, weights, args.name, args.seed)
    suffix = formats.SUFFIXES[form]
    out: Path = args.out or args.run / EXPORTED / f"{trial.key}{suffix}"
    if out.suffix != suffix:
        raise InputError(f"--out {out}: expected a name that ends in {suffix}")
    beside = out.with_name(f"{out.name}.json")
    for path in (out, beside):
        if path.exists() and not args.force:
            raise InputError(f"{path}: is there already; --force replaces it")
    formats.check_installed(form)
    kept = read_kept(weights_path(weights, trial.key))
    network = formats.filled(kept.spec.net, kept.state)
    about = formats.describe(trial.name, kept.spec.net, kept.mean, kept.std)
    about |= _origin(kept)
    images, what = _images(kept, args.data_root)
    try:
        said = formats.export(out, form, network, kept.spec.net, about, images)
    except formats.DifferentError as error:
        print(f"ablate: {out}: not written: {error} {what}", file=sys.stderr)
        return FAILED
    write_text(beside, json.dumps(about, indent=1) + "\n")
    print(f"{trial.name}, seed {kept.spec.seed}, trial {trial.key}: {said} {what}\n{out}")
    return 0


def _find(run: Path, weights: Path, name: str, seed: int | None) -> Trial:
    """The trial that is meant.

    Raises:
        InputError: there is none, or its weights are not kept.
    """
    from ablate.engine.weights import weights_path
    from ablate.results.csv import read_trials
    from ablate.results.names import TRIALS

    if not run.is_dir():
        raise InputError(f"{run}: no such folder; expected one such as results/STUDY/DATASET")
    table = read_trials(run / TRIALS)
    if name in set(table["cell"]):
        return _of_cell(run, weights, name, seed, table[table["cell"] == name])
    if _is_key(name) and (name in set(table["key"]) or weights_path(weights, name).exists()):
        if seed is not None:
            raise InputError(f"--seed {seed}: {name} is the key of one trial; leave it out")
        if not weights_path(weights, name).exists():
            raise InputError(f"{run}: no weights of trial {name} are kept; {_how_to_keep()}")
        named = table.loc[table["key"] == name, "cell"]
        return Trial(name=str(named.iloc[0]) if len(named) else name, key=name)
    cells = dict.fromkeys(table["cell"])
    raise InputError(
        f"{run}: {name!r}{nearest(name, cells)}: expected the key of a trial or one of "
        f"{', '.join(cells)}"
    )


def _of_cell(run: Path, weights: Path, name: str, seed: int | None, rows: "pd.DataFrame") -> Trial:
    """The trial of a cell with a seed; with the lowest that is kept where none is asked for."""
    from ablate.engine.weights import weights_path

    keys = {
        int(seed): str(key)
        for seed, key in rows.sort_values("seed")[["seed", "key"]].itertuples(index=False)
        if weights_path(weights, str(key)).exists()
    }
    if not keys:
        raise InputError(f"{run}: no weights of {name!r} are kept; {_how_to_keep()}")
    if seed is not None and seed not in keys:
        raise InputError(
            f"--seed {seed}: no weights of that trial of {name!r} are kept; expected one of "
            f"{', '.join(map(str, keys))}"
        )
    return Trial(name=name, key=keys[min(keys) if seed is None else seed])


def _how_to_keep() -> str:
    return "run with --keep-weights (and another --out: what is trained is not trained again)"


def _is_key(text: str) -> bool:
    return len(text) == KEY_LENGTH and set(text) <= set("0123456789abcdef")


def _images(kept: "Kept", data_root: Path) -> tuple["Tensor", str]:
    """Normalised images (N, C, H, W), and what they are."""
    import torch

    from ablate.data.dataset import load

    net = kept.spec.net
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (kept.mean, kept.std))
    try:
        test = load(kept.spec.data, data_root).test
    except InputError:  # the dataset is not here
        shape = (CHECKED, net.in_channels, net.image_size, net.image_size)
        noise = torch.randint(256, shape, generator=torch.Generator().manual_seed(0))
        return (noise - mean) / std, f"images of noise ({kept.spec.data.name} is not here)"
    images = test.pick(slice(CHECKED)).float()
    return (images - mean) / std, f"test images of {kept.spec.data.name}"


def _origin(kept: "Kept") -> dict[str, Any]:
    """Where a network comes from."""
    from ablate import __version__
    from ablate.spec.trial import content_hash

    spec = kept.spec
    return {
        "trial": spec.key,
        "network_hash": content_hash(spec.net),
        "seed": spec.seed,
        "dataset": spec.data.name,
        "ablate": __version__,
    }
