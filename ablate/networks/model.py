"""`build(NetSpec)` gives the network: stem, residual stages, head.

Module names follow the drawing of a ResNet, so that a state dict reads as one:
`stem.conv1`, `stages.0.1.branch.conv2`, `stages.1.0.shortcut.conv`, `head.linear`.
"""

from collections import OrderedDict
from collections.abc import Iterable

from torch import Tensor, nn

from ablate.networks import layout
from ablate.networks.parts import module_of, own_module
from ablate.spec.network import BlockSpec, NetSpec


def build(spec: NetSpec) -> nn.Module:
    """The network of `spec`, with weights drawn from torch's global generator.

    Input (N, in_channels, H, W), float; output (N, num_classes) logits. H and W need not be
    `image_size`. Convolutions start as in He et al. 2015 (arXiv 1502.01852, fan out), norms at
    one and zero. Modules of one's own (`spec.own`) are imported; their convolutions start so too,
    and the rest of them, and all of a network of one's own, as they make it.

    Raises:
        InputError: a module of one's own cannot be had, or not be made.
    """
    if spec.net is not None:
        channels = {"in_channels": spec.in_channels, "in_chans": spec.in_channels}
        return own_module(spec.net, {"num_classes": spec.num_classes}, channels)
    network = ResNet(spec)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if spec.zero_init:
        for module in network.modules():
            if isinstance(module, Block):
                module.start_at_shortcut()
    return network


class ResNet(nn.Module):
    """Stem, stages of residual blocks, head."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.stem = _sequence(spec, layout.stem(spec))
        stages: list[list[nn.Module]] = [[] for _ in spec.depths]
        for block in spec.blocks():
            stages[block.stage].append(Block(spec, block))
        self.stages = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        self.head = _sequence(spec, layout.head(spec))

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, num_classes)."""
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits


class Block(nn.Module):
    """A residual block: `after(branch(before(x)) + shortcut(x))`, each as `layout` says.

    A projection reads what stands in front of the branch's first convolution, as in He et al.
    2016; an identity, and option A, read the raw input, so that in a pre-activated network an
    uninterrupted path runs from block to block.
    """

    def __init__(self, spec: NetSpec, block: BlockSpec) -> None:
        super().__init__()
        before, after = layout.before(spec, block), layout.after(spec, block)
        self.preact = _sequence(spec, before) if before else None
        branch = layout.branch(spec, block)
        self.branch = _sequence(spec, branch)
        self.adds_in_place = layout.adds_in_place(branch)
        self.shortcut = _shortcut(spec, block)
        self.projects = layout.projects(layout.shortcut(spec, block))
        self.act = _only(spec, after)

    def start_at_shortcut(self) -> None:
        """Let the branch give zeros: its last norm, or a convolution after it, has weight zero."""
        last = next(
            module
            for module in reversed(list(self.branch.children()))
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.Conv2d)
        )
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_width, H, W) to (N, out_width, ceil(H / stride), ceil(W / stride))."""
        h = x if self.preact is None else self.preact(x)
        out: Tensor = self.branch(h)
        if self.shortcut is not None:
            added = self.shortcut(h if self.projects else x)
            out = out.add_(added) if self.adds_in_place else out + added
        return out if self.act is None else self.act(out)


def _shortcut(spec: NetSpec, block: BlockSpec) -> nn.Module | None:
    ops = layout.shortcut(spec, block)
    if not ops:
        return None if ops is None else nn.Identity()
    return _sequence(spec, ops) if layout.projects(ops) else _only(spec, ops)


def _only(spec: NetSpec, ops: list[layout.Named]) -> nn.Module | None:
    """None for no operator, the module of a single one, else all of them."""
    if len(ops) > 1:
        return _sequence(spec, ops)
    return module_of(spec, ops[0][1]) if ops else None


def _sequence(spec: NetSpec, ops: Iterable[layout.Named]) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, module_of(spec, op)) for name, op in ops))
