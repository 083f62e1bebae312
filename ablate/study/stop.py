"""Looks at the trials of a study before all of its seeds are trained: the table `[stop]`.

At a look all cells that are still needed have the same number of seeds. What is settled there is
trained no further; `ablate.results.looks` says what that is.
"""

from ablate.study.file import StopTable, StudyFile


def planned_looks(stop: StopTable | None, seeds: int) -> tuple[int, ...]:
    """The numbers of seeds at which a study is looked at, ascending; none without `[stop]`.

    Args:
        stop: of its file.
        seeds: of the run, which are the last look; those of the file beyond are cut.
    """
    if stop is None:
        return ()
    looks = stop.looks
    if looks is None:
        from ablate.statistics.stopping import default_looks  # SciPy, which few studies need here

        looks = default_looks(seeds)
    return (*(look for look in looks if look < seeds), seeds)


def as_run(file: StudyFile, seeds: int) -> StudyFile:
    """A file with `[stop]` as it was run: with the run's seeds and all of its looks.

    Args:
        file: as it was written.
        seeds: of the run, which may be another number than the file's.
    """
    assert file.stop is not None
    stop = file.stop.model_copy(update={"looks": list(planned_looks(file.stop, seeds))})
    return file.model_copy(update={"seeds": seeds, "stop": stop})
