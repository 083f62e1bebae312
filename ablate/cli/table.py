"""`ablate run` for a study of kind `table`: judge what others measured; nothing is trained."""

from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import InputError, printable

if TYPE_CHECKING:
    from ablate.study.toml_file import Toml


def judge_table(toml: "Toml", table: Path | None, out: Path) -> int:
    """Write what a table says of its study's question, and print it; the exit status.

    Args:
        toml: the study file.
        table: where the table lies; as the file says if None.
        out: the folder of results.
    """
    from ablate.report.tables.write_study import write_judged
    from ablate.results.names import REPORT
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
    near = rows if file.power is not None else read_rows(file, path, everything=True)
    verdict = write_judged(folder, toml, file, rows, near)
    for line in verdict.lines():
        print(printable(line))
    print()
    for said in verdict.predictions:
        print(printable(f"{said.mark}: {said.sentence}"))
    print(f"\nReport: {folder / REPORT}")
    return 0


def _path_of(study: Path, name: str) -> Path | None:
    """The table by its name: where one works, in data/, or beside the study file."""
    wanted = [Path(name), Path("data") / name, study.parent / name]
    return next((path for path in wanted if path.is_file()), None)
