"""The figure of a batch sweep: drawn from its table, whenever the report is made."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.analysis.findings import find
from ablate.errors import InputError
from ablate.report.figures.of_run import figures
from ablate.report.figures.throughput import PANELS, throughput_by_batch
from ablate.report.write import write_findings
from ablate.results.names import SWEEP
from ablate.results.tables import read_sweep, write_sweep
from support import PUBLISHED


def rows() -> list[dict[str, Any]]:
    """Two cells at two sizes of batch; the wide one has no room for a training step at 256."""
    made = []
    for batch in (64, 256):
        for cell, rate in (("narrow", 4000.0), ("wide", 1000.0)):
            row: dict[str, Any] = {"cell": cell, "batch": batch, "device": "cpu: a processor"}
            for name in PANELS:
                row |= {f"{name}_images_per_s": rate * batch / 64, f"{name}_images_per_s_iqr": 40.0}
            row |= {"throughput_threads": 2, "throughput_rounds": 9, "throughput_note": None}
            row["throughput_control_off"] = False
            made.append(row)
    made[-1] |= {"train_images_per_s": None, "throughput_note": "train: out of memory"}
    return made


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_sweep(tmp_path, rows())
    table = read_sweep(tmp_path / SWEEP)
    assert table["cell"].tolist() == ["narrow", "wide", "narrow", "wide"]
    assert table["throughput_control_off"].tolist() == [False] * 4
    assert table["train_images_per_s"].isna().tolist() == [False, False, False, True]
    before = (tmp_path / SWEEP).read_bytes()
    table.to_csv(tmp_path / "again.csv", index=False)
    pd.testing.assert_frame_equal(read_sweep(tmp_path / "again.csv"), table)
    assert before.count(b"\n") == 5


def test_a_panel_a_quantity_and_a_mark_for_what_had_room(tmp_path: Path) -> None:
    write_sweep(tmp_path, rows())
    drawing = throughput_by_batch(read_sweep(tmp_path / SWEEP))
    panels = drawing.figure.axes
    assert [axes.get_title() for axes in panels] == list(PANELS.values())
    wide = panels[0].containers[1].lines[0]
    assert wide.get_ydata()[0] == 1000
    assert pd.isna(wide.get_ydata()[1])
    assert drawing.alt == (
        "Most images/s of a training step, and its batch: narrow 16k at 256; wide 1k at 64."
    )


@pytest.mark.usefixtures("undrawn")
def test_the_report_shows_it_and_makes_it_again(tmp_path: Path) -> None:
    run = Path(shutil.copytree(PUBLISHED / "width_doubling" / "digits", tmp_path / "digits"))
    assert "throughput" not in figures(find(run), run)
    write_sweep(run, rows())
    table = (run / SWEEP).read_bytes()
    for _ in range(2):
        write_findings(run)
        assert 'id="picture-throughput"' in (run / "report.html").read_text()
        assert (run / "throughput.png").exists()
        assert (run / SWEEP).read_bytes() == table
        (run / "throughput.png").unlink()


def test_a_table_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / SWEEP).write_text("cell,train_images_per_s\na,fast\n")
    with pytest.raises(InputError, match=r"throughput\.csv: not a table of throughput: ") as caught:
        read_sweep(tmp_path / SWEEP)
    assert "\n" not in str(caught.value)
