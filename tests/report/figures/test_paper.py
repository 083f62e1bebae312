"""PDFs: as wide as a printed column or two, with their fonts, and the same bytes each time."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from ablate.cli.report import main
from ablate.errors import InputError
from ablate.report.figures import accuracy, stages
from ablate.report.figures.drawing import paper
from ablate.report.figures.drawing.paper import COLUMNS, save_pdf, sheet_of
from ablate.report.write import write_findings
from support import PUBLISHED
from support.figures import STUDIES

pypdf = pytest.importorskip("pypdf")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_page_is_as_wide_as_its_column_and_holds_its_fonts(tmp_path: Path, column: str) -> None:
    trials, summary, *_ = STUDIES["ten seeds"]
    drawing = accuracy.accuracy_by_arm(trials, summary, sheet_of(column))
    save_pdf(drawing, tmp_path, column)
    path = tmp_path / f"accuracy.{column}.pdf"
    (page,) = pypdf.PdfReader(path).pages
    assert float(page.mediabox.width) / 72 == pytest.approx(COLUMNS[column], abs=0.01)
    assert float(page.mediabox.height) / 72 < 9
    assert "Test accuracy (%)" in page.extract_text()
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    within = [font["/DescendantFonts"][0]["/FontDescriptor"] for font in fonts
              if font["/Subtype"] == "/Type0"]  # fmt: skip
    assert within
    assert all("/FontFile2" in of for of in within)
    assert re.search(rb"/(CreationDate|ModDate)", path.read_bytes()) is None


def test_text_is_7_to_9_points_high_in_either(tmp_path: Path) -> None:
    trials, summary, *_ = STUDIES["ten seeds"]
    for column in COLUMNS:
        figure = accuracy.accuracy_by_arm(trials, summary, sheet_of(column)).figure
        sizes = [label.get_size() for axes in figure.axes for label in axes.get_xticklabels()]
        assert {7 <= paper.SCALE * size <= 9 for size in sizes} == {True}


def test_panels_of_one_column_stand_below_each_other() -> None:
    *_, of_stages, _ = STUDIES["ten seeds"]
    for column, rows in (("one-column", 3), ("two-columns", 1)):
        panels = stages.stage_costs(of_stages, sheet=sheet_of(column)).figure.axes
        assert len({round(axes.get_position().y0, 3) for axes in panels}) == rows


def test_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    trials, summary, *_ = STUDIES["two seeds"]
    for folder in ("a", "b"):
        drawing = accuracy.accuracy_by_arm(trials, summary, sheet_of("one-column"))
        save_pdf(drawing, tmp_path / folder, "one-column")
    first, second = (tmp_path / name / "accuracy.one-column.pdf" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_report_has_pdfs_only_if_asked(tmp_path: Path) -> None:
    run = Path(shutil.copytree(PUBLISHED / "width_doubling" / "digits", tmp_path / "digits"))
    assert main([str(run), "--pdf"]) == 0
    made = {path.name for path in run.glob("*.pdf")}
    figures = {path.stem for path in run.glob("*.png")}
    assert made == {f"{name}.{column}.pdf" for name in figures for column in COLUMNS}
    page = pypdf.PdfReader(run / "accuracy.one-column.pdf").pages[0]
    assert "width_doubling on digits" in page.extract_text()


@pytest.mark.usefixtures("undrawn")
def test_pdfs_of_earlier_tables_do_not_stay(tmp_path: Path) -> None:
    run = Path(shutil.copytree(PUBLISHED / "width_doubling" / "digits", tmp_path / "digits"))
    (run / "accuracy.one-column.pdf").write_bytes(b"old")
    (run / "mine.pdf").write_bytes(b"mine")
    write_findings(run)
    assert [path.name for path in run.glob("*.pdf")] == ["mine.pdf"]


def test_without_pypdf_it_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(InputError, match=r"pip install 'ablate-resnet\[pdf\]'") as caught:
        write_findings(tmp_path, pdf=True)
    assert "\n" not in str(caught.value)
    assert main(["--index", str(tmp_path), "--pdf"]) == 2
