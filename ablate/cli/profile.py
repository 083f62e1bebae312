"""A network's table, stage by stage: `python -m ablate.profile --preset resnet50`."""

import argparse
import sys

from ablate.analysis.wording import aligned
from ablate.cli.options import BAD_INPUT
from ablate.errors import InputError
from ablate.networks.cost import Cost, count, count_stages, receptive_fields
from ablate.networks.presets import PRESETS, preset
from ablate.spec import NetSpec
from ablate.study.find import find_study
from ablate.study.plan import load_study


def main(argv: list[str] | None = None) -> int:
    """Print the table of a preset or of a study's cells, and return 0, or 2 for bad input."""
    args = _parser().parse_args(argv)
    try:
        for name, spec in _networks(args):
            print(f"{name}\n{table(spec, args.batch)}\n")
    except InputError as error:
        print(f"ablate: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


def table(spec: NetSpec, batch: int = 128) -> str:
    """The costs of a network as aligned text: a line for the stem, each stage, the head, the total.

    Args:
        spec: the network.
        batch: images a training step, for memory and arithmetic intensity (float32).
    """
    total, fields = count(spec), receptive_fields(spec)
    lines = [_TITLES]
    for stage, (size, cost) in count_stages(spec).items():
        number = int(stage.removeprefix("stage ")) - 1 if stage.startswith("stage ") else None
        width = str(spec.widths[number]) if number is not None else ""
        depth = str(spec.depths[number]) if number is not None else ""
        lines.append([stage, str(size), width, depth, *_costs(cost, total, batch),
                      str(fields.get(stage, "all"))])  # fmt: skip
    lines.append(["total", "", "", str(sum(spec.depths)), *_costs(total, total, batch), ""])
    return "\n".join([*aligned(lines, _TITLES[:1]), _legend(batch)])


_TITLES = ["stage", "side", "width", "blocks", "params", "MACs", "share", "activations", "MiB",
           "MACs/byte", "field"]  # fmt: skip


def _costs(cost: Cost, total: Cost, batch: int) -> list[str]:
    return [
        f"{cost.params:,}",
        f"{cost.macs:,}",
        f"{cost.macs / total.macs:.1%}",
        f"{cost.activations:,}",
        f"{cost.train_bytes(batch) / 2**20:.1f}",
        f"{cost.intensity(batch):.1f}",
    ]


def _legend(batch: int) -> str:
    return (
        "side: output, pixels; MACs: multiply-accumulates of convolutions and linear layers for "
        "one image; share: of MACs;\n"
        f"MiB: least memory of a float32 training step, batch {batch}; MACs/byte: arithmetic "
        "intensity of the forward pass;\n"
        "field: receptive field, pixels"
    )


def _networks(args: argparse.Namespace) -> list[tuple[str, NetSpec]]:
    if args.preset is not None:
        return [(args.preset, preset(args.preset))]
    study = load_study(find_study(args.study), args.dataset)
    cells = [cell for cell in study.cells if args.cell in (None, cell.name)]
    if not cells:
        names = ", ".join(cell.name for cell in study.cells)
        raise InputError(f"--cell {args.cell!r}: expected one of {names}")
    return [(f"{study.name}, {cell.name}", cell.net) for cell in cells]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.profile",
        description="What a network costs, stage by stage, counted without building it.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    what.add_argument("--study", metavar="NAME", help="a study: every cell, or the one of --cell")
    parser.add_argument("--cell", metavar="NAME", help="a cell of the study")
    parser.add_argument("--dataset", default="digits", metavar="NAME", help="default: digits")
    parser.add_argument("--batch", type=int, default=128, metavar="N", help="default: 128")
    return parser
