"""A norm needs two values: batches and networks for which one has a single one are refused."""

from collections.abc import Iterable

from ablate.errors import InputError
from ablate.networks.cost import fewest_normed
from ablate.spec.network import NetSpec


def check_norms(where: str, cells: Iterable[tuple[str, NetSpec, int]]) -> None:
    """Raise `InputError` for a network that no step can train at its size of batch.

    Args:
        where: what sets the batch, as it begins the message.
        cells: name, network and images a batch of each.
    """
    for name, net, batch in cells:
        if fewest_normed(net, batch) != 1:
            continue
        if net.norm == "batch":
            raise InputError(
                f"{where} = {batch}: the batch norm of {name} would have one value a channel in "
                "its smallest map, of 1 x 1 pixels; expected 2 images or more"
            )
        raise InputError(
            f"{where} = {batch}: the group norm of {name} has groups of one value in its "
            "smallest map, of 1 x 1 pixels; expected 2 images or more, or fewer norm_groups"
        )
