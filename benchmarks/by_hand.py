"""A study as one would script it: a loop over arms and seeds, each trained by the usual loop.

`python -m benchmarks.by_hand --study NAME` trains what `ablate run` does, by the same recipe, and
says Welch's tests of its arms against the baseline. With `--optuna` the trials are those of an
Optuna study over arm and seed, kept in SQLite.
"""

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import optuna
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.transforms import v2

from ablate.data.dataset import Images, load
from ablate.data.sources import find_dataset
from ablate.engine.progress import plain_or_bar
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study.find import find_study
from ablate.study.plan import Study, load_study

BATCH = 1024  # of the images that are classified
Part = Dataset[Any]


def main() -> None:
    """Train all, write `trials.csv`, print the tests."""
    args = _parser().parse_args()
    info = find_dataset(args.dataset, None, args.data_root, 1, plain_or_bar)
    study = load_study(find_study(args.study), info, args.seeds, args.epochs, subset=args.subset)
    for planned in study.cells:
        own = study.recipe(planned)
        plain = replace(own, optimizer="sgd", schedule="one_cycle", mixup=0.0, ema=0.0, cutout=0)
        if own != study.train or own != plain or own.precision != "float32":
            raise SystemExit(
                f"{planned.name}: the script has one recipe, SGD with one cycle, alone"
            )
    found: dict[str, list[float]] = {cell.name: [] for cell in study.cells}
    nets = {cell.name: cell.net for cell in study.cells}
    parts = _parts(study, args.data_root)

    def train(cell: str, seed: int) -> float:
        accuracy = train_one(nets[cell], study, parts, seed)
        found[cell].append(accuracy)
        print(f"{cell}, seed {seed}: {accuracy:.1%}", flush=True)
        return accuracy

    args.out.mkdir(parents=True, exist_ok=True)
    if args.optuna:
        _by_optuna(train, list(nets), study.seeds, args.out / "optuna.db")
    else:
        for seed, cell in product(range(study.seeds), nets):
            train(cell, seed)
    with (args.out / "trials.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["cell", "test_accuracy"])
        rows.writerows((cell, one) for cell, own in found.items() for one in own)
    for cell in nets:
        if cell != study.baseline:
            test = stats.ttest_ind(found[cell], found[study.baseline], equal_var=False)
            print(f"{cell} against {study.baseline}: p = {test.pvalue:.3g}")


def train_one(net: NetSpec, study: Study, parts: dict[str, Part], seed: int) -> float:
    """Train a network as the recipe says, validate after each epoch, and test at the end."""
    recipe = study.train
    torch.manual_seed(seed)
    network = build(net)
    batches = DataLoader(parts["train"], recipe.batch_size, shuffle=True, drop_last=True)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.epochs * len(batches), cycle_momentum=False
    )
    for _ in range(recipe.epochs):
        network.train()
        total = 0.0
        for images, labels in batches:
            loss = F.cross_entropy(network(images), labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item()
        accuracy(network, parts["val"])
    return accuracy(network, parts["test"])


@torch.no_grad()
def accuracy(network: nn.Module, part: Part) -> float:
    """Of a split, as a fraction."""
    network.eval()
    right = total = 0
    for images, labels in DataLoader(part, BATCH):
        right += int((network(images).argmax(1) == labels).sum())
        total += len(labels)
    return right / total


class Augmented(Dataset[tuple[Tensor, Tensor]]):
    """Normalised images, each cropped and mirrored when it is asked for."""

    def __init__(self, images: TensorDataset, train: TrainSpec) -> None:
        self.images = images
        size = images[0][0].shape[-1]
        crop = [v2.RandomCrop(size, train.crop_padding)] if train.crop_padding else []
        flip = [v2.RandomHorizontalFlip()] if train.flip else []
        self.change = v2.Compose([*crop, *flip, v2.Identity()])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        image, label = self.images[place]
        return self.change(image), label


def _parts(study: Study, data_root: Path) -> dict[str, Part]:
    """Normalised images and labels of each split."""
    data = load(study.data, data_root)

    def whole(images: Images) -> TensorDataset:
        pixels: Tensor = data.normalise(images.pick(slice(None)))
        return TensorDataset(pixels, images.labels)

    return {
        "train": Augmented(whole(data.train), study.train),
        "val": whole(data.val),
        "test": whole(data.test),
    }


def _by_optuna(
    train: Callable[[str, int], float], cells: list[str], seeds: int, path: Path
) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space: dict[str, list[Any]] = {"cell": cells, "seed": list(range(seeds))}
    study = optuna.create_study(
        storage=f"sqlite:///{path}",
        sampler=optuna.samplers.GridSampler(space),
        direction="maximize",
    )
    study.optimize(
        lambda trial: train(
            trial.suggest_categorical("cell", cells),
            trial.suggest_int("seed", 0, seeds - 1),
        ),
        n_trials=len(cells) * seeds,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--subset", type=float, default=1.0)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--optuna", action="store_true")
    return parser


if __name__ == "__main__":
    main()
