"""The tables of README and docs are those of the code and of the committed results."""

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from ablate.analysis.across import comparison, pooled
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.report.summary_file import summary_markdown
from ablate.report.verdict_file import read_verdict
from ablate.results.csv import read_table, write_table
from pages import PAGES, ROOT, by_hand, rendered
from support import PUBLISHED
from support.found import found_in

RUNS = sorted(path.parent for path in PUBLISHED.glob("*/*/trials.csv"))
COMPARISONS = sorted(path.parent for path in PUBLISHED.glob("*/comparison.csv"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_is_current(page: Path) -> None:
    """Its tables and numbers, unless the runs were made anew on this machine."""
    text = page.read_text(encoding="utf-8")
    command = ["git", "diff", "--quiet", "HEAD", "--", "results/published"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        pytest.skip("results/ is not what was committed")
    assert rendered(text) == text, "run `python tests/pages.py`"


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_committed_summary_follows_from_its_table(folder) -> None:
    text = (folder / "summary.md").read_text(encoding="utf-8")
    found = found_in(folder.relative_to(PUBLISHED).as_posix())
    verdict = verdict_of(found)
    assert text == summary_markdown(found, verdict), "run `ablate report`"
    said = read_verdict(folder)
    assert (said["sentence"], said["effect"]) == (verdict.sentence, verdict.effect)


@pytest.mark.parametrize("folder", COMPARISONS, ids=lambda folder: folder.name)
def test_a_committed_comparison_follows_from_its_runs(folder: Path, tmp_path: Path) -> None:
    names = pd.read_csv(folder / "comparison.csv")["run"].unique()
    runs = {name: found_in("/".join(name.split(" on "))) for name in names}
    write_table(comparison.differences(runs), tmp_path / "comparison.csv")
    old, new = pd.read_csv(folder / "comparison.csv"), pd.read_csv(tmp_path / "comparison.csv")
    pd.testing.assert_frame_equal(old, new, check_exact=False, rtol=1e-6)
    pools = pooled.pool_runs(runs).table
    assert (folder / "pooled.csv").exists() is not pools.empty
    if not pools.empty:
        kept = read_table(folder / "pooled.csv")
        write_table(pools, tmp_path / "pooled.csv")
        again = read_table(tmp_path / "pooled.csv")
        pd.testing.assert_frame_equal(kept, again, check_exact=False, rtol=1e-6)


def test_there_are_committed_runs() -> None:
    assert RUNS
    assert len(COMPARISONS) == 2


def test_no_committed_file_is_large() -> None:
    """Above 500 KiB a file does not belong into version control."""
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    sizes = {name: (ROOT / name).stat().st_size for name in files if (ROOT / name).is_file()}
    assert len(sizes) > 100
    assert [name for name, size in sizes.items() if size > 500 * 1024] == []


MEASURED = {
    "an interval": r"\[[+-]?\d+(\.\d+)?, ?[+-]?\d+(\.\d+)?\](?! blocks)",
    "a number of seeds": r"\bn = \d",
    "a p-value": r"\bp [=<] ?0?\.\d",
    "a difference": r"[+-]?\d+\.\d+ points\b",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_measured_number_is_written_by_hand(page: Path) -> None:
    """A result comes from a table, by a mark; the margin of half a point is a setting."""
    text = by_hand(page.read_text(encoding="utf-8")).replace("0.5 points", "half a point")
    found = [
        f"{what}: {match[0]}"
        for what, form in MEASURED.items()
        for match in re.finditer(form, text)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_part_within_a_sentence_does_not_begin_a_line(page: Path) -> None:
    """Markdown would take such a line for HTML, and end the paragraph before it."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^[ \t]*<!-- (?!end)[^>]* -->(?=\S)", text, flags=re.MULTILINE) == []
