"""PyTorch Lightning's Trainer, with all switched off that writes or draws."""

import logging
import warnings
from typing import Any

import torch
from lightning import pytorch as lightning
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from benchmarks.contenders import plain_sgd
from benchmarks.pil import loader
from benchmarks.work import Lap, Work


class Classifier(lightning.LightningModule):
    """The network, its loss and its optimizer, as Lightning's tutorials put them."""

    def __init__(self, network: nn.Module, work: Work) -> None:
        super().__init__()
        self.network, self.work = network, work
        self.criterion = nn.CrossEntropyLoss()

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of a batch, whose mean over the epoch is kept."""
        images, labels = batch
        loss: Tensor = self.criterion(self.network(images), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def configure_optimizers(self) -> Any:
        """SGD, and a cosine over all steps."""
        optimizer = plain_sgd(self, self.work.train)
        schedule = CosineAnnealingLR(optimizer, self.work.train.epochs * self.work.steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class Clock(lightning.Callback):
    """Puts each epoch on the clock, so that the Trainer's set-up is not."""

    def __init__(self, lap: Lap) -> None:
        self.lap = lap

    def on_train_epoch_start(self, *_: object) -> None:
        """After the set-up, and after what ended the epoch before."""
        self.lap.start()

    def on_train_epoch_end(self, *_: object) -> None:
        """After the last step."""
        self.lap.stop()


def train(work: Work, network: nn.Module, lap: Lap, workers: int) -> None:
    """One `fit` over all epochs."""
    torch.set_num_threads(work.threads)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    device = torch.device(work.device)
    trainer = lightning.Trainer(
        max_epochs=work.train.epochs,
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index or 0] if device.type == "cuda" else 1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Clock(lap)],
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers")
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        trainer.fit(Classifier(network, work), loader(work, workers))
