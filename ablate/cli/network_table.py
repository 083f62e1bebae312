"""A network's costs as a table of text, stage by stage."""

from ablate.analysis.wording import aligned
from ablate.networks.cost import Cost, count, count_stages, receptive_fields
from ablate.spec.network import NetSpec


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
                      str(fields.get(stage, "all" if fields else "-"))])  # fmt: skip
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
