"""`ablate run` for a study of kind `table`: judge what others measured; nothing is trained."""

from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import InputError, printable

if TYPE_CHECKING:
    from ablate.analysis.verdicts.answer import Verdict
    from ablate.study.toml_file import Toml


def judge_table(toml: "Toml", table: Path | None, out: Path) -> int:
    """Write what a table says of its study's question, and print it; the exit status.

    Args:
        toml: the study file.
        table: where the table lies; as the file says if None.
        out: the folder of results.
    """
    from ablate.report.tables.write import write_judged
    from ablate.report.tables.write_study import write_study
    from ablate.results.names import REPORT
    from ablate.tables.arms.compare import judge_file
    from ablate.tables.file import read_table_file
    from ablate.tables.rows import read_rows

    file = read_table_file(toml)
    path = table or _path_of(toml.path, file.source.file)
    if path is None:
        how = f" {file.source.get}" if file.source.get else ""
        raise InputError(
            f"{toml.path}: source.file = {file.source.file!r}: no such file here, nor beside the "
            f"study; give it with --table PATH.{how}"
        )
    rows = read_rows(file, path)
    folder = out / toml.path.stem / path.stem
    if file.power is not None or file.describe is not None:
        _show(write_study(folder, toml, file, rows, rows), folder / REPORT)
    elif file.columns.widths is not None:
        near = read_rows(file, path, everything=True)
        _show(write_study(folder, toml, file, rows, near), folder / REPORT)
    else:
        for name, judged in judge_file(file, rows, toml.path.stem).items():
            several = len(file.columns.outcome) > 1
            own = folder.with_name(f"{folder.name}-{name}") if several else folder
            _show(write_judged(judged, own, rows=False), own / REPORT)
    return 0


def _show(verdict: "Verdict", page: Path) -> None:
    for line in verdict.lines():
        print(printable(line))
    print()
    for said in verdict.predictions:
        print(printable(f"{said.mark}: {said.sentence}"))
    print(f"\nReport: {page}")


def _path_of(study: Path, name: str) -> Path | None:
    """The table by its name: where one works, in data/, or beside the study file."""
    wanted = [Path(name), Path("data") / name, study.parent / name]
    return next((path for path in wanted if path.is_file()), None)
