"""Studies from Python: load one, run it, look at what a run has left.

study = ablate.load_study("width_doubling", seeds=6)
run = ablate.run_study(study, "results/width_doubling/digits")
print(run.verdict)
run.plot("accuracy")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ablate.errors import InputError
from ablate.processes import DAY_S, cpu_count, wait_politely

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ablate.analysis.findings import Findings
    from ablate.study.plan import Study


def load_study(
    name: str | Path,
    dataset: str = "digits",
    *,
    seeds: int | None = None,
    epochs: int | None = None,
    subset: float = 1.0,
    mechanism: bool = False,
    image_size: int | None = None,
    data_root: str | Path = "data",
) -> "Study":
    """A study on a dataset: its question, its cells (as networks) and its plan.

    Args:
        name: of a study, or the path of a .toml file.
        dataset: `digits`, `cifar10`, `cifar100`, `fashion_mnist`, `svhn`, or `folder:PATH` for
            images in PATH/train/CLASS/ and PATH/test/CLASS/.
        seeds, epochs: in place of the file's.
        subset: the fraction of the training and validation images that is used.
        mechanism: whether to measure each trained network stage by stage too.
        image_size: pixels that a folder's images are scaled and cropped to; as they are if None.
        data_root: where datasets lie, and decoded folders are kept.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    from ablate.data.sources import find_dataset
    from ablate.engine.progress import plain_or_bar
    from ablate.study.find import find_study
    from ablate.study.plan import load_study

    info = find_dataset(dataset, image_size, Path(data_root), cpu_count(), plain_or_bar)
    return load_study(
        find_study(str(name)), info, seeds, epochs, subset=subset, mechanism=mechanism
    )


def run_study(
    study: "Study",
    folder: str | Path,
    *,
    workers: int | None = None,
    device: str = "auto",
    layout: Literal["auto", "contiguous", "channels_last"] = "auto",
    data_root: str | Path = "data",
    download: bool = False,
    storage: str | None = None,
    retry: bool = False,
    time_limit_s: float = DAY_S,
    batch_sweep: Sequence[int] = (),
    timing_seconds: float = 0.5,
    keep_weights: bool = False,
    tensorboard: str | Path | None = None,
    mlflow: str | None = None,
    say: Callable[[str], None] = print,
) -> "Results":
    """Train what is left of a study's plan, write tables, figures and report, and load them.

    A run that was stopped goes on where it was when it is called again.

    Args:
        study: of `load_study`.
        folder: of the results, such as results/STUDY/DATASET.
        workers: trials side by side, each in a process of its own; the fastest by a short probe
            if None.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        layout: of tensors, in all arms; `auto` takes channels_last where that is safe and faster.
        data_root, download: where the dataset lies, and whether to fetch it.
        storage: URL of the trials' storage, so that workers elsewhere can join; a file in the
            folder if None.
        retry: whether to try again what failed, ran out of memory or out of time.
        time_limit_s: of one trial, in seconds.
        batch_sweep: sizes of batch at which each cell is timed too.
        timing_seconds: of timing each cell and quantity before the training.
        keep_weights: whether to keep the weights that each trial ends with, in weights/ of the
            folder.
        tensorboard, mlflow: a folder, and a server's URI, that trials are logged to.
        say: takes each line that is said.

    Raises:
        InputError: the dataset is missing, or the folder is in use or cannot be written.
        KeyboardInterrupt: after the tables of what is done were written.
    """
    wait_politely()
    say(study.title)
    from ablate.engine.progress import plain_or_bar
    from ablate.engine.runner import Setup, locked, run_study
    from ablate.report.write import write_findings
    from ablate.training.execution import Execution
    from ablate.training.machine import pick_device

    execution = Execution(
        device=pick_device(device), threads=cpu_count(), channels_last=layout == "channels_last"
    )
    setup = Setup(
        folder=Path(folder),
        data_root=Path(data_root),
        download=download,
        execution=execution,
        pick_layout=layout == "auto",
        workers=workers,
        batches=tuple(batch_sweep),
        timing_s=timing_seconds,
        storage=storage,
        retry=retry,
        time_limit_s=time_limit_s,
        tensorboard=None if tensorboard is None else Path(tensorboard),
        mlflow=mlflow,
        keep_weights=keep_weights,
    )
    with locked(setup.folder):
        for failure in run_study(study, setup, say, plain_or_bar):
            say(failure)
        write_findings(setup.folder)
    return load(folder)


def load(folder: str | Path) -> "Results":
    """What a run has left in a folder, such as results/STUDY/DATASET.

    Raises:
        InputError: a table or the study file is missing, or is not one of ours.
    """
    from ablate.report.read import read_run
    from ablate.results.names import TRIALS

    if not (Path(folder) / TRIALS).is_file():
        raise InputError(
            f"{folder}: no run there; expected a folder that a run has left, results/STUDY/DATASET"
        )
    return Results(Path(folder), read_run(Path(folder)))


@dataclass(frozen=True)
class Results:
    """A run's tables, and what they show.

    Args:
        folder: where they lie.
        found: all that the analysis makes of them.
    """

    folder: Path
    found: "Findings"

    def __repr__(self) -> str:
        """Where it lies, and its answer."""
        return f"<run {self.folder}: {self.verdict.splitlines()[0]}>"

    @property
    def trials(self) -> "pd.DataFrame":
        """One row a trial: accuracies, costs, throughput, and the machine that made it."""
        return self.found.trials

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """One row an epoch of a trial: losses (nats), validation accuracy, seconds."""
        from ablate.results.csv import read_table
        from ablate.results.names import EPOCHS

        return read_table(self.folder / EPOCHS)

    @property
    def summary(self) -> "pd.DataFrame":
        """One row an arm: accuracy, costs, and the difference from the baseline, as fractions."""
        return self.found.summary.table

    @property
    def predictions(self) -> "pd.DataFrame":
        """One row a prediction of the study file: its verdict and the numbers behind it."""
        return self.found.hypotheses

    @property
    def verdict(self) -> str:
        """The answer to the study's question: yes, no or open, in a sentence, with its caveat."""
        from ablate.analysis.verdicts.verdict import verdict_of

        return "\n".join(verdict_of(self.found).lines())

    @cached_property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that `plot` takes, in reading order; each has something to show."""
        from ablate.report.figures.of_run import figures

        return tuple(figures(self.found, self.folder))

    def plot(self, name: str) -> "Figure":
        """A figure, drawn anew; it can be changed and saved as any figure of matplotlib.

        Args:
            name: one of `figures`.

        Raises:
            InputError: the run has no such figure.
        """
        from ablate.report.figures.of_run import figures

        wanted = figures(self.found, self.folder)
        drawing = wanted[name]() if name in wanted else None
        if drawing is None:
            raise InputError(
                f"{self.folder}: no figure {name!r}: expected one of {', '.join(wanted)}", name
            )
        return drawing.figure

    def to_markdown(self) -> str:
        """The summary as a Markdown table, with a legend."""
        from ablate.analysis.wording import markdown_table

        return markdown_table(self.found.summary)

    def to_latex(
        self,
        caption: str | None = None,
        label: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> str:
        r"""The summary as a LaTeX table; the document needs `\usepackage{booktabs}`.

        Args:
            caption, label: of the table, in LaTeX, with the legend as a note below it; without
                both it is a bare `tabular`.
            columns: those that are wanted, by the names that the table shows, in this order; all
                if None, but for images/s where they cannot be compared.

        Raises:
            InputError: there is no such column.
        """
        from ablate.analysis.latex import latex_table

        return latex_table(self.found.summary, columns, caption, label)

    def _repr_html_(self) -> str:
        """For a notebook: question, answer and summary."""
        from ablate.analysis.wording import display, legend

        table = display(self.found.summary).to_html(index=False, border=0)
        notes = "<br>".join(map(escape, legend(self.found.summary)))
        question = escape(self.found.file.question)
        answer = "<br>".join(map(escape, self.verdict.split("\n")))
        return f"<p><b>{question}</b></p><p>{answer}</p>{table}<p><small>{notes}</small></p>"
