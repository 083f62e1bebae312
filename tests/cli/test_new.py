"""`ablate new`: the file it writes runs as it is, and nothing is ever written over."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.cli import run
from ablate.cli.main import main
from ablate.cli.new import TEMPLATE
from ablate.study.file import read_study_file
from ablate.study.plan import load_study

# The layout is given, and one worker: what a probe of the machine finds is not the matter here.
QUICK = ("--timing-seconds", "0.02", "--layout", "contiguous", "--workers", "1")


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_it_writes_loads_and_plans(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine"]) == 0
    path = Path("studies/mine.toml")
    out = capsys.readouterr().out
    assert out.startswith(f"{path} is written")
    assert "\nablate run --study mine --dry-run " in out
    assert "\nablate check results/mine/digits " in out
    study = load_study(path)
    assert len(study.plan()) == 24
    macs = [cell.matched.residual for cell in study.cells if cell.matched is not None]
    assert len(macs) == 3
    assert max(map(abs, macs)) < 0.01  # at equal compute, as the question says
    assert load_study(path, "cifar10").train.flip
    assert {hypothesis.kind for hypothesis in read_study_file(path).hypotheses.values()} == {
        "higher",
        "equal",
    }


@pytest.fixture
def one_cpu() -> Iterator[None]:
    """One CPU, and so one thread: two wait for each other where something else runs."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("one_cpu")
def test_what_it_writes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine"]) == 0
    assert run.main(["--study", "mine", "--seeds", "1", "--epochs", "1", *QUICK]) == 0
    assert "middle" in capsys.readouterr().out
    assert Path("results/mine/digits/report.html").exists()


def test_it_can_do_without_what_the_comments_say_can_be_left_out() -> None:
    text = TEMPLATE.read_text()
    Path("mine.toml").write_text(text.replace('[match]\nmacs = "reference"\n', ""))
    assert [cell.net.depths for cell in load_study(Path("mine.toml")).cells] == [
        (1,) * 3,
        (2,) * 3,
        (4,) * 3,
    ]


def test_every_key_and_table_has_a_comment() -> None:
    """Beside it, or above the lines that it stands with."""
    blocks = itertools.groupby(TEMPLATE.read_text().splitlines(), key=bool)
    for block in (list(lines) for filled, lines in blocks if filled):
        above = block[0].startswith("#") or block[0].startswith("[hypotheses")
        assert above, block
        inline = [line for line in block if not line.startswith(("#", "["))]
        if block[1].startswith(("[net]", "[train]")):
            assert all("#" in line for line in inline), block


def test_a_path_is_written_where_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "some where/mine.toml"]) == 0
    assert load_study(Path("some where/mine.toml")).name == "mine"
    assert "ablate run --study 'some where/mine.toml' --dry-run" in capsys.readouterr().out
    assert not Path("studies").exists()


@pytest.mark.parametrize("name", ["mine", "mine.toml", "width_doubling"])
def test_nothing_is_written_over_or_hidden(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A study of one's own would hide one that came with ablate."""
    Path("studies").mkdir()
    own = (Path("studies/mine.toml"), Path("mine.toml"))
    for path in own:
        path.write_text("# mine\n")
    assert main(["new", name]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"ablate: {name}: ")
    assert "is there already; choose another name" in err
    assert err.count("\n") == 1
    assert [path.read_text() for path in own] == ["# mine\n"] * 2
    assert not Path("studies/width_doubling.toml").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a b", "expected letters of any script, digits, _ and -, at most 64"),
        ("a.b", "expected letters of any script, digits, _ and -, at most 64"),
        ("", "expected letters of any script, digits, _ and -, at most 64"),
        ("x" * 65, "expected letters of any script, digits, _ and -, at most 64"),
        ("a b.toml", "expected letters of any script, digits, _ and -, at most 64"),
        (".toml", "expected letters of any script, digits, _ and -, at most 64"),
        ("a\nb", "expected letters of any script, digits, _ and -, at most 64"),
        ("../mine", "expected a name, or a path that ends in .toml"),
        ("a/b", "expected a name, or a path that ends in .toml"),
    ],
)
def test_a_bad_name_is_one_line(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", name]) == 2
    err = capsys.readouterr().err
    assert err.startswith("ablate: ")
    assert says in err
    assert err.count("\n") == 1
    assert not list(Path().rglob("*"))


def test_a_folder_that_cannot_be_made_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("studies").write_text("no folder")
    assert main(["new", "mine"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("ablate: studies/mine.toml: ")
    assert err.count("\n") == 1
