"""Where the project's own runs lie: beside a user's, in `results/published/STUDY/DATASET`."""

from pathlib import Path

from ablate.errors import InputError
from ablate.results.names import PUBLISHED, TRIALS


def published_root() -> Path:
    """The folder of the published runs: the working directory's, else that of the checkout."""
    here = Path("results") / PUBLISHED
    return here if here.is_dir() else Path(__file__).resolve().parents[2] / here


def published_run(run: Path, root: Path | None = None) -> Path:
    """The published run of the same study and dataset as one's own.

    Args:
        run: results/STUDY/DATASET.
        root: the folder with the other runs; by default `published_root`.

    Raises:
        InputError: there is none.
    """
    root = published_root() if root is None else root
    own = run.resolve()
    found = root / own.parent.name / own.name
    if not (found / TRIALS).exists():
        there = sorted(
            f"{p.parent.parent.name}/{p.parent.name}" for p in root.glob(f"*/*/{TRIALS}")
        )
        if not there:
            raise InputError(
                f"--against: no runs in {root}; those of the project come with a checkout, in "
                f"results/{PUBLISHED}: expected a folder with STUDY/DATASET/{TRIALS}"
            )
        raise InputError(
            f"--against: {root} holds no run {own.parent.name}/{own.name}; expected one of "
            f"{', '.join(there)}"
        )
    return found
