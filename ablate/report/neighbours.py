"""The order in which studies are read, and the links between their pages."""

import os
from pathlib import Path
from typing import Literal

from ablate.report.html.page import Link
from ablate.results.names import CLAIMS, INDEX, JUDGED, REPORT, SOURCE, TRIALS

# From the question to what it is made of; one's own studies come before these.
TEACHING = (
    *("claims", "width_doubling", "width_tuned", "width_iso_macs", "width_iso_params"),
    *("width_iso_activations", "compute_balance", "growth_placement", "growth_without_stride"),
    *("head_width", "abstraction", "stride_placement", "shortcut_type", "shortcut_x_growth"),
    *("design_space", "search_pareto", "recipe", "optimizer"),
    *("nats_iso_macs", "nats_iso_params", "nats_iso_activations", "timm_run_time", "nats_iso_time"),
    *("nds_resnet_iso_macs", "nds_resnet_iso_params", "nds_plain_iso_macs"),
    *("nds_resnext_a_iso_macs", "nds_resnext_b_iso_macs", "nds_seed_noise", "zoo_growth"),
)
RUNS = (TRIALS, CLAIMS, SOURCE, JUDGED)  # whichever a folder holds


def in_order(root: Path) -> list[Path]:
    """The folders of runs, claims and tables in `root`/STUDY/DATASET, in the order of reading."""
    found = [path.parent for name in RUNS for path in root.glob(f"*/*/{name}")]
    return sorted(found, key=place)


def place(folder: Path) -> tuple[int, str, str]:
    """Where a run stands in that order."""
    study = folder.parent.name
    known = TEACHING.index(study) if study in TEACHING else -1
    return known, study, folder.name


def links(folder: Path, root: Path) -> tuple[Link, ...]:
    """From the page of a run to the index, and to the runs before and after it.

    Args:
        folder: of the run, in `root`/STUDY/DATASET.
        root: the folder of the index.
    """
    runs = in_order(root)
    own = next((at for at, run in enumerate(runs) if run.resolve() == folder.resolve()), None)
    found = [to_index(folder, root)]
    if own is None:
        return tuple(found)
    sides: tuple[tuple[Literal["prev", "next"], int], ...] = (("prev", own - 1), ("next", own + 1))
    for rel, at in sides:
        if 0 <= at < len(runs):
            run = runs[at]
            found.append(
                Link(
                    rel=rel,
                    label=f"{run.parent.name} on {dataset_of(run)}",
                    href=_from(folder, run / REPORT),
                )
            )
    return tuple(found)


def dataset_of(folder: Path, dataset: str = "") -> str:
    """A run's data set as it reads, with what else the folder's name says of the run.

    Args:
        folder: of the run, such as `digits-40-epochs`.
        dataset: its name, such as `digits`; by the folder's name alone where empty.
    """
    if not dataset:
        return folder.name.replace("folder-", "folder:", 1)
    more = folder.name.removeprefix(dataset.replace(":", "-"))
    return f"{dataset}, {more.replace('-', ' ').strip()}" if more.startswith("-") else dataset


def to_index(folder: Path, root: Path) -> Link:
    """From a page in a folder to the index."""
    return Link(rel="index", label="All studies", href=_from(folder, root / INDEX))


def _from(folder: Path, path: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
