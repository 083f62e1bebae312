"""What the planned seeds of a study can show, said before anything is trained."""

from collections.abc import Callable

from ablate.analysis import planning, populations
from ablate.analysis.planning import Spread
from ablate.results.published import published_root
from ablate.study.file import read_study_file
from ablate.study.plan import Study
from ablate.study.toml_file import Toml


def show_power(
    study: Study, toml: Toml, spread: float | None, say: Callable[[str], object]
) -> None:
    """Say what differences the planned seeds can show, and what they cannot be expected to.

    Args:
        study: what would be run.
        toml: its file, as it was read.
        spread: standard deviation of the test accuracy over seeds, as a fraction; None for that
            of published runs.
        say: prints a line.
    """
    known, seeds, unit, found = _prospects(study, toml, spread)
    if known is None:
        say(
            f"no run on {study.data.name} is published, so the spread over {unit}s is not known: "
            "--spread POINTS says what the planned ones can show"
        )
    elif found:
        say("")
        for line in planning.lines(found, known, seeds, unit):
            say(line)
    warning = planning.shortfall(found, seeds, unit)
    if warning:
        say(f"warning: {warning}")


def power_warning(study: Study, toml: Toml, spread: float | None) -> str:
    """One line where the planned seeds cannot be expected to settle what is asked; else empty."""
    _, seeds, unit, found = _prospects(study, toml, spread)
    return planning.shortfall(found, seeds, unit)


def _prospects(
    study: Study, toml: Toml, spread: float | None
) -> tuple[Spread | None, int, str, list[planning.Prospect]]:
    """The spread that is known, what is counted, and what that can show."""
    file = read_study_file(toml)
    seeds = file.sample.networks if file.sample is not None else study.seeds
    unit = populations.UNIT if file.sample is not None else "seed"
    given = None if spread is None else Spread(value=spread, source="as given")
    known = given or planning.published_spread(study, published_root())
    found = [] if known is None else planning.prospects(study, file, known)
    return known, seeds, unit, found
