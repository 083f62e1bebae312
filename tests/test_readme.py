"""The README's tables are those of the code and of the committed results."""

import subprocess

import pytest
from readme import README, ROOT, columns, rendered

from ablate import analyse, record, wording
from ablate.study_file import read_study_file

RUNS = sorted(path.parent for path in (ROOT / "results").glob("*/*/trials.csv"))


def test_the_readme_is_current() -> None:
    """Its column dictionary always; its tables unless the runs were made anew on this machine."""
    text = README.read_text(encoding="utf-8")
    assert columns() in text, "run `python tests/readme.py`"
    command = ["git", "diff", "--quiet", "HEAD", "--", "results"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        pytest.skip("results/ is not what was committed")
    assert rendered(text) == text, "run `python tests/readme.py`"


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_committed_summary_follows_from_its_table(folder) -> None:
    study, _ = read_study_file(folder / "study.toml")
    summary = analyse.summarise(record.read(folder / record.TRIALS), study.baseline)
    text = (folder / "summary.md").read_text(encoding="utf-8")
    assert study.question in text
    assert wording.answer(summary) in text
    assert wording.markdown_table(summary) in text


def test_there_are_committed_runs() -> None:
    assert RUNS
