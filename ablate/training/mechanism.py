"""What a trained network has learned, stage by stage: how readable, how varied and how needed.

`measure` gives one row for the stem and one for each residual stage; `schema.MECHANISM_COLUMNS`
says what its columns are.
"""

import copy
from typing import Any, cast

import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from ablate.data.dataset import Dataset, Images
from ablate.networks import cost
from ablate.networks.model import Block, ResNet
from ablate.spec.choices import Precision
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training.loop import EVAL_BATCH, autocast

FEATURE_IMAGES = 5000  # of the training split, and of the validation split
BLOCK_IMAGES = 1000  # of the validation split: each block is left out in turn
PROBE_STEPS = 1000  # far more than the probe takes


def measure(
    network: nn.Module, data: Dataset, spec: NetSpec, train: TrainSpec, seed: int
) -> list[dict[str, Any]]:
    """Measure a trained network stage by stage; training and validation images only, never test.

    All is done on a copy, so that the network is left as it was. Arms with the same seed are
    measured on the same images. A stage's output is that of its last block: activated, or in a
    pre-activated network the raw sum.

    Args:
        network: built from `spec`, on the device where `data` lies.
        data: its test split is not used.
        spec: the network's description.
        train: the recipe it was trained with: loss, size of batch and precision.
        seed: of the choice of images, where a split has more than are used.

    Returns:
        One row each for `stem`, `stage 1`, ..., as in `schema.MECHANISM_COLUMNS`.
    """
    own = copy.deepcopy(network)
    assert isinstance(own, ResNet)
    own.eval()
    generator = torch.Generator().manual_seed(seed)
    training, validation = (_shuffled(split, generator) for split in (data.train, data.val))
    fitted = _part(training, FEATURE_IMAGES)
    scored = _part(validation, FEATURE_IMAGES)
    learned, _ = _outputs(own, data, fitted, train.precision)
    unseen, alive = _outputs(own, data, scored, train.precision)
    losses = _block_losses(own, data, _part(validation, BLOCK_IMAGES), train.precision)
    norms = _gradient_norms(own, data, _part(training, train.batch_size), train)
    costs = cost.count_stages(spec)
    rows = []
    for number, (stage, field) in enumerate(cost.receptive_fields(spec).items()):
        features = unseen[number]
        width, rank = features.shape[1], effective_rank(features)
        rows.append(
            {
                "stage": stage,
                "width": width,
                "out_size": costs[stage][0],
                "receptive_field": field,
                "field_over_image": field / spec.image_size,
                "probe_accuracy": probe_accuracy(
                    learned[number], fitted.labels, features, scored.labels
                ),
                "effective_rank": rank,
                "effective_rank_share": rank / width,
                "dead_channels": float((~alive[number]).double().mean()),
                "grad_norm": norms[number],
                "block_loss": losses[number],
            }
        )
    return rows


def probe_accuracy(
    features: Tensor, labels: Tensor, unseen: Tensor, unseen_labels: Tensor
) -> float:
    """How well a linear classifier tells the classes apart: its accuracy on other images.

    Multinomial logistic regression on standardised features, scikit-learn's with its default
    penalty (Alain & Bengio 2016, arXiv 1610.01644). Least squares would be quicker, but with fewer
    features than classes it hides some classes behind others.

    Args:
        features, labels: (N, C) and (N,), to fit.
        unseen, unseen_labels: (M, C) and (M,), to score.

    Returns:
        A fraction of M.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_STEPS))
    # More threads are slower on matrices of this size, and would take other workers' CPUs.
    with threadpool_limits(1, user_api="blas"):
        probe.fit(features.numpy(), labels.cpu().numpy())
        return float(probe.score(unseen.numpy(), unseen_labels.cpu().numpy()))


def effective_rank(features: Tensor) -> float:
    """Number of directions in which features vary, each counted by its share of the variance.

    The exponential of the entropy of the covariance's eigenvalues over their sum: the effective
    rank of the covariance (Roy & Vetterli 2007, EUSIPCO). Features that do not vary have none.

    Args:
        features: (N, C); with N not well above C the rank is underestimated.

    Returns:
        From 1 to C, or 0.
    """
    centred = features.double() - features.double().mean(0)
    variances = torch.linalg.eigvalsh(centred.T @ centred).clamp(min=0)
    total = variances.sum()
    return float(torch.special.entr(variances / total).sum().exp()) if total > 0 else 0.0


def _shuffled(split: Images, generator: torch.Generator) -> Images:
    """The images of a split in a random order."""
    order = torch.randperm(len(split), generator=generator).to(split.labels.device)
    rows = order if split.rows is None else split.rows[order]
    return Images(split.images, split.labels[order], rows)


def _part(shuffled: Images, most: int) -> Images:
    """The first images, or all where there are fewer."""
    assert shuffled.rows is not None
    return Images(shuffled.images, shuffled.labels[:most], shuffled.rows[:most])


def _stages(network: ResNet) -> list[nn.Module]:
    """The stem, and each stage."""
    return [network.stem, *network.stages]


def _blocks(network: ResNet) -> list[list[Block]]:
    """The blocks of each stage."""
    return [cast(list[Block], list(stage.children())) for stage in network.stages]


@torch.inference_mode()
def _outputs(
    network: ResNet, data: Dataset, images: Images, precision: Precision
) -> tuple[list[Tensor], list[Tensor]]:
    """What the stem and each stage put out, in eval mode.

    Returns:
        Averages over the image, (N, width) float64 on the CPU; and whether each channel is above
        zero anywhere after its activation, (width,). The raw sum of a pre-activated network is
        activated by whatever reads it next.
    """
    stages = _stages(network)
    readers = [blocks[0].preact for blocks in _blocks(network)]
    readers.append(cast(nn.Sequential | None, getattr(network.head, "preact", None)))
    pooled: list[list[Tensor]] = [[] for _ in stages]
    alive: list[list[Tensor]] = [[] for _ in stages]
    for start in range(0, len(images), EVAL_BATCH):
        out = data.normalise(images.pick(slice(start, start + EVAL_BATCH)))
        with autocast(precision, out.device):
            for number, (stage, reader) in enumerate(zip(stages, readers, strict=True)):
                out = stage(out)
                pooled[number].append(out.float().mean((2, 3)).double().cpu())
                active = out if reader is None else reader(out)
                alive[number].append(active.amax((0, 2, 3)) > 0)
    return [torch.cat(parts) for parts in pooled], [torch.stack(parts).any(0) for parts in alive]


@torch.inference_mode()
def _block_losses(
    network: ResNet, data: Dataset, images: Images, precision: Precision
) -> list[float | None]:
    """Accuracy lost when a block is left out, averaged over the blocks of the stem and each stage.

    Its branch gives zeros and its shortcut stays, a projection's too, as in Veit et al. 2016,
    arXiv 1605.06431, section 4.1. The stem has no block; without shortcuts nothing would be left.
    """
    stages = _blocks(network)
    blocks = [block for stage in stages for block in stage]
    if blocks[0].shortcut is None:
        return [None] * (1 + len(stages))
    right = torch.zeros(len(blocks) + 1, dtype=torch.int64, device=data.mean.device)
    for start in range(0, len(images), EVAL_BATCH):
        labels = images.labels[start : start + EVAL_BATCH]
        with autocast(precision, labels.device):
            out = network.stem(data.normalise(images.pick(slice(start, start + EVAL_BATCH))))
            for number, block in enumerate(blocks):
                with block.branch.register_forward_hook(_zeros):
                    without = block(out)
                rest = nn.Sequential(*blocks[number + 1 :], network.head)
                right[number] += (rest(without).argmax(1) == labels).sum()
                out = block(out)
            right[-1] += (network.head(out).argmax(1) == labels).sum()
    lost = iter(((right[-1] - right[:-1]).double() / len(images)).tolist())
    return [None] + [sum(next(lost) for _ in stage) / len(stage) for stage in stages]


def _zeros(module: nn.Module, given: object, output: Tensor) -> Tensor:
    """A forward hook: nothing in place of what a module gives."""
    return torch.zeros_like(output)


def _gradient_norms(network: ResNet, data: Dataset, batch: Images, train: TrainSpec) -> list[float]:
    """Norm of the gradient of the stem's and each stage's parameters, as a training step has it.

    In train mode: normalised by the batch itself, as is the gradient that training follows. This
    moves the running statistics of `network`.
    """
    network.train()
    images = data.normalise(batch.pick(slice(None)))
    with autocast(train.precision, images.device):
        loss = F.cross_entropy(network(images), batch.labels, label_smoothing=train.label_smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    return [
        float(nn.utils.get_total_norm([weight.grad for weight in stage.parameters()]))  # type: ignore[misc]
        for stage in _stages(network)
    ]
