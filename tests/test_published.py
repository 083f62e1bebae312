"""What is published, and that a user's runs are not among it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ablate.cli.report import main as report
from ablate.report.write import write_copy, write_findings
from ablate.results.check import verify
from ablate.results.names import HYPOTHESES, MARKDOWN, PARQUET, SUMMARY
from support import PUBLISHED, ROOT

MOST_BYTES = 20e6
KEPT = {
    *("study.toml", "manifest.json", "trials.csv", "epochs.csv", "stages.csv", "mechanism.csv"),
    *("correct.csv",),
    *("tuning.csv", "draws.csv", "search.toml", "search_pareto.toml", "search.csv", "networks.csv"),
    *("hypervolume.csv", "comparisons.csv", "summary.md", "report.html", "comparison.csv"),
    *("pooled.csv", "verdict.csv", "index.html"),
    *("claims.csv", "loops.json"),
    *("source.csv", "fits.csv", "curves.csv", "best.csv", "contrasts.csv", "standing.csv"),
    *("powers.csv", "kinds.csv", "groups.csv", "spread.csv", "source.json", "summary.csv"),
}
SHOWN = {"accuracy.png", "growth.png", "macs_by_growth.png"}  # growth.png of two runs


def git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)


needs_checkout = pytest.mark.skipif(git("rev-parse").returncode != 0, reason="no checkout here")


@needs_checkout
def test_of_a_published_run_is_kept_what_only_a_run_can_make() -> None:
    files = [ROOT / name for name in git("ls-files", "-z", "results").stdout.split("\0") if name]
    assert files
    assert all(PUBLISHED in path.parents for path in files)
    assert {path.name for path in files} <= KEPT | SHOWN
    assert sum(path.name in SHOWN for path in files) == len(SHOWN) + 1
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@needs_checkout
@pytest.mark.parametrize("name", ["trials.csv", "report.html", "study.db", "accuracy.png"])
def test_a_run_of_ones_own_is_not_tracked(name: str) -> None:
    assert git("check-ignore", f"results/width_doubling/digits/{name}").returncode == 0
    assert git("check-ignore", "results/published/any/digits/trials.csv").returncode == 1


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A published run as it is."""
    kept = PUBLISHED / "width_doubling" / "digits"
    return Path(shutil.copytree(kept, tmp_path / "width_doubling" / "digits"))


def faults(folder: Path) -> list[str]:
    return [
        f"{line.check}: {line.text}" for line in verify(folder, write_copy) if line.level == "FAULT"
    ]


@pytest.mark.usefixtures("undrawn")
def test_the_summary_stands_for_what_is_not_kept(run: Path) -> None:
    for name in (SUMMARY, HYPOTHESES, PARQUET):
        (run / name).unlink(missing_ok=True)
    assert faults(run) == []
    text = (run / MARKDOWN).read_text()
    (run / MARKDOWN).write_text(text.replace("2.3 points", "3.2 points"))
    (fault,) = faults(run)
    assert fault.startswith("findings: summary.md: is not what the tables give; `ablate report ")


@pytest.mark.usefixtures("undrawn")
def test_the_report_makes_the_rest_again(run: Path) -> None:
    write_findings(run)
    assert (run / PARQUET).exists()
    assert (run / SUMMARY).exists()
    assert faults(run) == []
    (run / PARQUET).unlink()
    assert faults(run) == ["trials.parquet: missing"]


@pytest.mark.usefixtures("undrawn")
def test_ones_own_run_against_the_published_one(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert report([str(run), "--against", "published"]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index(f"against {PUBLISHED / 'width_doubling' / 'digits'}:")
    told = [
        line.strip().partition(":")[0].partition(" published")[0] for line in lines[start + 1 :]
    ]
    assert told == ["30 of 30", "reproduced", "open"]
    assert report([str(run), "--against", str(tmp_path / "nowhere")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "no runs in" in err
    assert "expected a folder with STUDY/DATASET/trials.csv" in err
    assert report(["--index", str(tmp_path), "--against", "published"]) == 2
    assert "--against: needs a RUN_DIR to compare" in capsys.readouterr().err
