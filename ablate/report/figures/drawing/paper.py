"""Figures for a printed column or two: as PDF, at the size at which they are printed."""

from pathlib import Path

from ablate import files
from ablate.errors import InputError
from ablate.report.figures.drawing.sheet import WIDTH, Sheet
from ablate.report.figures.drawing.style import Drawing, style

COLUMNS = {"one-column": 3.25, "two-columns": 6.75}  # inches
SCALE = COLUMNS["two-columns"] / WIDTH  # of a page's text, which becomes 7 to 9 points high
_SAID = ("CreationDate", "Creator", "Producer")  # what matplotlib would say about itself


def sheet_of(column: str) -> Sheet:
    """What a figure is drawn on that is then scaled to the width of one of `COLUMNS`."""
    return Sheet(width=COLUMNS[column] / SCALE)


def check_pypdf() -> None:
    """Raise `InputError` where the library is missing that scales a page."""
    try:
        import pypdf  # noqa: F401
    except ImportError as error:
        raise InputError(
            "--pdf needs pypdf, which is not installed: pip install 'ablate-resnet[pdf]'", "pdf"
        ) from error


def path_of(folder: Path, name: str, column: str) -> Path:
    """The file of a figure for one of `COLUMNS`."""
    return folder / f"{name}.{column}.pdf"


def save_pdf(drawing: Drawing, folder: Path, column: str) -> None:
    """Write a figure as PDF, its fonts within, for one of `COLUMNS`; the same bytes each time.

    Args:
        drawing: on the sheet of that column.
        folder: where it goes.
        column: one of `COLUMNS`.
    """
    from pypdf import PdfReader, PdfWriter

    with files.replacing(path_of(folder, drawing.name, column)) as temporary:
        with style():
            drawing.figure.savefig(temporary, metadata=dict.fromkeys(_SAID))
        writer = PdfWriter(clone_from=PdfReader(temporary))
        writer.pages[0].scale_by(SCALE)
        writer.metadata = {"/Title": drawing.title}
        writer.write(temporary)
