"""What published runs show, worked out once in a process. A test does not change it."""

import functools

from ablate.analysis.findings import Findings
from ablate.report.read import read_run
from ablate.results.names import STUDY, TRIALS
from support import PUBLISHED

RUNS = sorted(
    path.parent.relative_to(PUBLISHED).as_posix()
    for path in PUBLISHED.glob(f"*/*/{TRIALS}")
    if path.with_name(STUDY).exists()
)


@functools.cache
def found_in(run: str) -> Findings:
    """What a published run shows, such as `width_doubling/digits`."""
    return read_run(PUBLISHED / run)
