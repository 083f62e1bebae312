"""Totals of what a network, or a part of one, costs."""

from dataclasses import dataclass

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """Totals of a stage or of a network, per image: see `Layer`."""

    params: int
    macs: int
    activations: int
    moved: int
    kept: int

    def train_bytes(self, batch: int) -> int:
        """Least memory of a training step in float32, bytes.

        Weights, their gradients and momentum, and what is kept for the backward pass; the
        workspace of convolutions comes on top.
        """
        return FLOAT_BYTES * (3 * self.params + batch * self.kept)

    def intensity(self, batch: int) -> float:
        """Arithmetic intensity of the forward pass in float32, MACs a byte.

        Bytes are those that convolutions and linear layers read and write, each tensor once
        (Williams et al. 2009, the roofline model).
        """
        return batch * self.macs / (FLOAT_BYTES * (self.params + batch * self.moved))
