"""`ablate judge`: what it says, writes and refuses, and how it ends."""

import errno
import html
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.cli.main import main
from ablate.errors import InputError, WriteError
from ablate.report.tables import kept
from ablate.report.tables import write as write_module
from ablate.report.tables.check import verify_judged
from ablate.report.tables.kept import read_kept
from ablate.report.tables.outcome import MOST_ARMS, MOST_DOTS
from support import ROOT

TABLES = ROOT.parent / "shared" / "data" / "published"
ROWS = [
    f"{arm},{seed},{0.8 + 0.004 * np.sin(7 * seed + place) + 0.02 * place:.4f},{1e6 * (place + 1)}"
    for place, arm in enumerate(("one", "two", "-three"))
    for seed in range(8)
]
WORDS = ("--arm", "arm", "--outcome", "acc")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of three arms, each better than the one before; the current folder is its own."""
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "mine.csv", ROWS)


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["arm,seed,acc,macs", *rows]) + "\n")
    return path


def judge(*words: object) -> int:
    return main(["judge", *map(str, words)])


def line_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line on standard error; nothing was printed."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1
    return err


# What is written


def test_verdict_table_figure_and_page_are_written_and_printed(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--seed", "seed", "--budget", "macs", "--baseline", "one") == 0
    out = capsys.readouterr().out
    folder = Path("results/judge/mine")
    assert {path.name for path in folder.iterdir()} == {
        *("summary.csv", "verdict.csv", "summary.md", "report.html", "rows.csv", "source.json"),
        *(f"{name}.{suffix}" for name in ("outcome", "budget") for suffix in ("csv", "png", "svg")),
    }
    summary = pd.read_csv(folder / "summary.csv", index_col="arm")
    assert list(summary["finding"]) == ["baseline", "better", "better"]
    verdict = pd.read_csv(folder / "verdict.csv").iloc[0]
    assert verdict["word"] == "yes"
    page = (folder / "report.html").read_text()
    for text in (verdict["sentence"].removeprefix("'"), verdict["caveat"]):
        assert text in out
        assert text in page
    assert f"{summary.loc['two', 'diff']:+.2f}" in out
    about = json.loads((folder / "source.json").read_text())
    assert (about["file"], about["rows"]) == ("mine.csv", 24)
    assert about["sha256"] in page
    assert str(table.parent) not in page + json.dumps(about)
    assert out.rstrip().endswith(str(folder / "report.html"))


def test_the_page_s_command_says_the_same_again(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--seed", "seed", "--budget", "macs", "--paired", "--margin", "0.3", "--higher"]
    words += ["--expect", "two > one", "--expect", "'-three' = \"two\""]
    assert judge(table, *WORDS, *words) == 1
    first = capsys.readouterr().out
    page = Path("results/judge/mine/report.html").read_text()
    found = re.search(r"(ablate judge mine\.csv[^<]*)<", page)
    assert found is not None
    assert main(shlex.split(html.unescape(found[1]))[1:]) == 1
    assert capsys.readouterr().out == first


def test_rows_of_several_columns_and_of_some_values(table: Path) -> None:
    frame = pd.read_csv(table)
    frame["set"] = np.where(frame["seed"] < 6, "x", "y")
    frame.to_csv(table, index=False)
    assert judge(table, "--arm", "arm", "--arm", "set", "--outcome", "acc", "--out", "a") == 0
    assert "one / x" in set(pd.read_csv("a/summary.csv")["arm"])
    assert judge(table, *WORDS, "--where", "set=x", "--out", "b") == 0
    assert set(pd.read_csv("b/summary.csv")["n"]) == {6}


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_other_kinds_of_files_say_the_same(
    table: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    frame, other = pd.read_csv(table), table.with_suffix(f".{suffix}")
    if suffix == "parquet":
        frame.to_parquet(other)
    else:
        frame.to_json(other, orient="records", lines=True)
    assert judge(table, *WORDS, "--out", "a") == judge(other, *WORDS, "--out", "b") == 0
    one, two = capsys.readouterr().out.split("report.html")[:2]
    assert one.strip().removesuffix("a/") == two.strip().removesuffix("b/")


def test_arms_without_repeats_are_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "zoo.csv"
    path.write_text("model,top1,top1_err\nr18,69.8,30.2\nr50,76.1,23.9\nr101,77.4,22.6\n")
    out = tmp_path / "out"
    assert judge(path, "--arm", "model", "--outcome", "top1", "--out", out) == 0
    said = capsys.readouterr().out
    assert "Not compared: No arm has a second row, so nothing can be compared; r101 has" in said
    assert pd.read_csv(out / "summary.csv")["p"].isna().all()
    words = ("--outcome", "top1_err", "--expect", "r101 > r18", "--out", out)
    assert judge(path, "--arm", "model", *words) == 0
    assert "[ ] open: r101 is better than r18" in capsys.readouterr().out


def test_names_are_never_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No mathematics, markup, formula, terminal code or missing letter; names stay as they are."""
    names = [
        "$\\frac{",
        "a $x$ b",
        "<b>|</b>",
        "=1+1",
        "\x1b[31mred",
        "two\nlines",
        "\u7f51",
        "a" * 300,
    ]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"arm": np.repeat(names, 5), "seed": [*range(5)] * len(names)})
    frame["$acc"] = rng.normal(70, 1, len(frame))
    frame["<i>macs"] = frame["arm"].map({name: place for place, name in enumerate(names)})
    path = tmp_path / "odd $name$.csv"
    frame.to_csv(path, index=False)
    words = ("--arm", "arm", "--outcome", "$acc", "--seed", "seed", "--budget", "<i>macs")
    out = tmp_path / "out"
    assert judge(path, *words, "--baseline", names[0], "--out", out) == 0
    assert "\x1b" not in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert "<b>|" not in page
    assert "<i>macs" not in page
    assert "'=1+1" in (out / "rows.csv").read_text()
    repeats = read_kept(out).repeats
    assert list(repeats.frame["arm"].unique()) == names
    assert main(["check", str(out)]) == 0


def test_many_arms_and_rows_are_not_all_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"arm": [f"m{k % 60}" for k in range(6000)], "acc": rng.random(6000)})
    path = tmp_path / "many.csv"
    frame.to_csv(path, index=False)
    assert judge(path, *WORDS, "--out", tmp_path / "out") == 0
    drawn = pd.read_csv(tmp_path / "out" / "outcome.csv")
    assert drawn["arm"].nunique() == MOST_ARMS
    assert len(drawn) <= MOST_DOTS
    assert len(pd.read_csv(tmp_path / "out" / "summary.csv")) == 60
    assert f"{MOST_ARMS} of 60 arms" in (tmp_path / "out" / "outcome.svg").read_text()


# Exit statuses


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("two > one", 0, "[+] supported: two is better than one"),
        ("one < two", 0, "[+] supported: two is better than one"),
        ("one > two", 1, "[x] refuted: one is better than two"),
        ("one = two", 1, "[x] refuted: one is as good as two"),
        ("'-three' > \"one\"", 0, "[+] supported: -three is better than one"),
    ],
)
def test_an_expectation_that_is_refuted_is_status_1(
    table: Path, text: str, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--expect", text) == status
    assert says in capsys.readouterr().out


def test_one_refuted_expectation_of_several_is_status_1(table: Path) -> None:
    words = ("--expect", "two > one", "--expect", "one > -three")
    assert judge(table, *WORDS, *words) == 1


def test_an_expectation_that_stays_open_is_status_0(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(table, [f"{arm},{seed},{0.1 * seed},1" for arm in "ab" for seed in range(5)])
    assert judge(table, *WORDS, "--expect", "a > b") == 0
    assert "[ ] open: a is better than b" in capsys.readouterr().out


# Bad tables


def changed(old: str, new: str) -> list[str]:
    assert any(old in row for row in ROWS)
    return [row.replace(old, new) for row in ROWS]


BAD: dict[str, tuple[list[str], tuple[str, ...], str]] = {
    "missing column": (ROWS, ("--seed", "sed"), "no column 'sed' (did you mean seed?)"),
    "text": ([*ROWS, "one,9,high,1"], (), "column 'acc', row 25: 'high' is no number"),
    "empty": ([*ROWS, "one,9,,1"], (), "column 'acc', row 25 is empty"),
    "NaN": ([*ROWS, "one,9,nan,1"], (), "column 'acc', row 25 is empty"),
    "infinite": ([*ROWS, "one,9,inf,1"], (), "column 'acc', row 25 is inf"),
    "no name": ([*ROWS, ",9,0.8,1"], (), "column 'arm', row 25 is empty"),
    "one arm": (ROWS[:8], (), "column 'arm' names one arm alone, 'one'"),
    "same row": ([*ROWS, *ROWS[:2]], ("--seed", "seed"), "2 of 26 rows come twice"),
    "two outcomes": ([*ROWS, "two,3,0.5,1"], ("--seed", "seed"),
                     "'two' has seed 3 in row 12 and in row 25"),
    "no rows": ([], (), "holds no row"),
    "mixed units": ([*ROWS, "one,9,81.5,1"], (), "row 1 is 0.8 and row 25 is 81.5"),
    "wrong unit": ([*ROWS, "one,9,81.5,1"], ("--unit", "fraction"), "--unit fraction expects 0"),
    "many arms": ([f"m{k},0,0.5,1" for k in range(501)], (), "names 501 arms"),
    "no such rows": (ROWS, ("--where", "arm=four"), "no row has arm = four"),
    "no condition": (ROWS, ("--where", "arm"), "--where 'arm': expected COLUMN=VALUE"),
    "baseline": (ROWS, ("--baseline", "on"), "no arm 'on' (did you mean one?)"),
    "expectation": (ROWS, ("--expect", "one > four"), "no arm 'four'"),
    "no pairs": (ROWS, ("--paired",), "--seed COLUMN"),
    "huge": ([*ROWS, "one,9,1e300,1"], (), "column 'acc', row 25 is 1e+300; expected at most"),
    "blurred": ([f"{arm},0,{10**15 + k},1" for arm in "ab" for k in range(5)], (),
                "the rows of 'a' are 1e+15 and differ by 4, too little"),
    "arm twice": (ROWS, ("--arm", "arm"), "column 'arm' is given twice for the arm"),
    "seed is outcome": (ROWS, ("--seed", "acc"), "column 'acc' is asked for twice"),
    "budget is outcome": (ROWS, ("--budget", "acc"), "column 'acc' is asked for twice"),
    "two signs": (ROWS, ("--expect", "two >= one"), "expected one sign, >, < or =, between"),
    "too many cells": ([*ROWS, "one,9,0,8,1"], (), "row 25 has 5 cells; expected 4"),
    "twice a column": (ROWS, ("--budget", "arm"), "column 'arm' is the arm's"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_one_line_and_writes_nothing(
    table: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, words, says = BAD[case]
    write(table, rows)
    assert judge(table, *WORDS, *words) == 2
    assert says in line_of(capsys)
    assert [path.name for path in table.parent.iterdir()] == ["mine.csv"]


def test_errors_around_one_percent_are_no_mix_of_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "errors.csv"
    rows = [f"{arm},{value}" for arm in "ab" for value in (1, 0.9, 1.2, 1.1, 0.8, 1.3)]
    path.write_text("\n".join(["arm,err", *rows]) + "\n")
    assert judge(path, "--arm", "arm", "--outcome", "err", "--out", tmp_path / "out") == 0
    assert "its numbers are taken as percentages" in capsys.readouterr().out


def test_a_column_whose_name_says_nothing_needs_a_direction(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--arm", "arm", "--outcome", "macs")
    assert judge(table, *words) == 2
    assert "expected --higher or --lower" in line_of(capsys)
    assert judge(table, *words, "--lower") == 0
    assert "less of macs is better, as asked" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("--higher", "--lower"), ("--margin", "0"), ("--margin", "x")])
def test_wrong_options_are_one_line(
    table: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        judge(table, *WORDS, *words)
    assert caught.value.code == 2
    line_of(capsys)


def test_a_folder_of_something_else_is_left_as_it_is(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = table.parent / "other"
    other.mkdir()
    (other / "summary.csv").write_text("precious")
    for out in (other, table):
        assert judge(table, *WORDS, "--out", out) == 2
        assert "--out DIR" in line_of(capsys)
    assert (other / "summary.csv").read_text() == "precious"
    assert len(list(other.iterdir())) == 1
    assert judge(table, *WORDS, "--out", "new") == judge(table, *WORDS, "--out", "new") == 0


@pytest.mark.parametrize("name", ["budget.csv", "notes.txt", "rows.txt"])
def test_a_file_of_one_s_own_in_the_folder_is_neither_deleted_nor_overwritten(
    table: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--out", "out") == 0
    own = Path("out") / name
    own.write_text("precious")
    capsys.readouterr()
    for words in ((), ("--budget", "macs")):
        assert judge(table, *WORDS, *words, "--out", "out") == 2
        assert f"holds {name}, which is not of the table" in line_of(capsys)
    assert own.read_text() == "precious"
    own.unlink()
    assert judge(table, *WORDS, "--budget", "macs", "--out", "out") == 0
    assert judge(table, *WORDS, "--out", "out") == 0
    assert not (Path("out") / "budget.csv").exists()


def test_another_table_replaces_none_in_silence(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--out", "out") == 0
    page = Path("out/report.html").read_bytes()
    capsys.readouterr()
    other = write(table.with_name("other.csv"), ROWS[:-1])
    assert judge(other, *WORDS, "--out", "out") == 2
    assert "of another table, mine.csv with arm arm and outcome acc" in line_of(capsys)
    write(table, ROWS[:-1])
    assert judge(table, "--arm", "arm", "--outcome", "macs", "--lower", "--out", "out") == 2
    assert "of another table" in line_of(capsys)
    assert Path("out/report.html").read_bytes() == page
    assert judge(table, *WORDS, "--out", "out") == 0
    assert "out: replaces what was judged of an earlier mine.csv" in capsys.readouterr().out
    assert judge(table, *WORDS, "--out", "out") == 0
    assert "replaces" not in capsys.readouterr().out


def test_a_damaged_source_is_named(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(table, *WORDS, "--out", "out") == 0
    Path("out/source.json").write_text('{"kind": ')
    capsys.readouterr()
    for command in (["check", "out"], ["report", "out"], ["judge", str(table), *WORDS]):
        words = ["--out", "out"] if command[0] == "judge" else []
        assert main([*command, *words]) == 2
        err = capsys.readouterr().err
        assert err.startswith("ablate: out/source.json: cannot be read")
        assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["summary.md", "report.html"])
@pytest.mark.parametrize("part", ["label", "sentence"])
def test_a_verdict_that_was_turned_round_is_a_fault(
    table: Path, name: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--baseline", "one", "--out", "out") == 0
    assert main(["check", "out"]) == 0
    path = Path("out") / name
    text = path.read_text()
    old, new = {
        "label": ("**Yes:", "**No:") if name == "summary.md" else ("</svg>Yes</", "</svg>No</"),
        "sentence": (" beat one", " lost to one"),
    }[part]
    assert old in text
    path.write_text(text.replace(old, new))
    capsys.readouterr()
    assert main(["check", "out"]) == 1
    assert f"FAULT  {name}: does not say the verdict" in capsys.readouterr().out


# Rows one by one


STREAM = [
    *(f"base,{value}" for value in (10.1, 10.3, 10.0, 9.9, 10.2, 9.8)),
    *(f"x,{value}" for value in (7.0, 6.8, 7.1)),
]


def stream_of(path: Path, outcome: str) -> Path:
    path.write_text("\n".join([f"arm,{outcome}", *STREAM]) + "\n")
    return path


def test_a_stream_takes_its_direction_from_the_outcome_s_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stream_of(tmp_path / "s.csv", "loss")
    words = (path, "--stream", "--arm", "arm", "--outcome", "loss")
    assert judge(*words) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "less of loss is better, as its name says"
    assert any(line.startswith("keep x") for line in out)
    assert judge(*words, "--higher") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "more of loss is better, as asked"
    assert not any(line.startswith("keep x") for line in out)
    assert judge(*words, "--json") == 0
    out, err = capsys.readouterr()
    assert err == "less of loss is better, as its name says\n"
    assert len([json.loads(line) for line in out.splitlines()]) == len(STREAM)


def test_a_stream_whose_outcome_s_name_says_nothing_needs_a_direction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stream_of(tmp_path / "s.csv", "size")
    words = (path, "--stream", "--arm", "arm", "--outcome", "size")
    assert judge(*words) == 2
    assert "expected --higher or --lower" in line_of(capsys)
    assert judge(*words, "--lower") == 0


# Again


def test_what_was_judged_can_be_checked_and_made_again(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seed", "seed", "--budget", "macs", "--expect", "two > one", "--out", "out")
    assert judge(table, *WORDS, *words) == 0
    folder = Path("out")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    assert main(["check", "out"]) == 0
    assert "no fault" in capsys.readouterr().out
    assert main(["report", "out"]) == 0
    said = pd.read_csv(folder / "verdict.csv").iloc[0]["sentence"]
    assert said in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["summary.csv", "verdict.csv", "rows.csv", "outcome.csv"])
def test_a_number_that_was_changed_is_a_fault(
    table: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--out", "out") == 0
    path = Path("out") / name
    lines = path.read_text().splitlines()
    place = re.search(r"[1-9]", lines[-1][len("-three") :])
    assert place is not None
    at = place.start() + len("-three")
    other = "1" if lines[-1][at] != "1" else "2"
    lines[-1] = lines[-1][:at] + other + lines[-1][at + 1 :]
    path.write_text("\n".join(lines) + "\n")
    assert main(["check", "out"]) == 1
    assert "FAULT" in capsys.readouterr().out


def test_rows_that_were_lost_are_a_fault(table: Path) -> None:
    assert judge(table, *WORDS, "--out", "out") == 0
    rows = Path("out/rows.csv")
    rows.write_text("\n".join(rows.read_text().splitlines()[:-1]) + "\n")
    assert [line.level for line in verify_judged(Path("out"))] == ["FAULT"]
    rows.unlink()
    assert [line.level for line in verify_judged(Path("out"))] == ["FAULT"]


def test_of_a_large_table_no_rows_are_kept(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(table, *WORDS, "--out", "out") == 0
    monkeypatch.setattr(kept, "MOST_KEPT", 10)
    assert judge(table, *WORDS, "--out", "out") == 0
    assert not Path("out/rows.csv").exists()
    assert main(["check", "out"]) == 0
    assert "none were kept" in capsys.readouterr().out
    page = Path("out/report.html")
    page.write_text(page.read_text().replace("two beat one", "two lost to one"))
    assert main(["check", "out"]) == 1
    assert "FAULT  report.html: does not say the verdict of verdict.csv" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"judge mine\.csv again"):
        read_kept(Path("out"))


def test_torch_is_not_loaded(table: Path) -> None:
    code = (
        "import sys; from ablate.cli.main import main; status = main(sys.argv[1:]); "
        "assert status == 0; assert not {'torch', 'optuna', 'fvcore'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code, "judge", table, *WORDS], check=True, capture_output=True
    )


# Tables of others


@pytest.mark.skipif(not TABLES.is_dir(), reason="the published tables are not here")
def test_published_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timm = TABLES / "timm_imagenet_resfamilies.csv"
    words = ("--arm", "family", "--outcome", "top1", "--budget", "param_count")
    assert judge(timm, *words, "--out", tmp_path / "a", "--expect", "vgg < resnet") == 0
    assert "Yes: resnet beat vgg by 6.9 points." in capsys.readouterr().out
    nds = TABLES / "nds_imagenet.csv"
    words = ("--arm", "sweep", "--arm", "group", "--outcome", "min_test_err", "--seed", "seed")
    again = ("--where", "family=resnet basic", "--where", "dataset=cifar10")
    assert judge(nds, *words, *again, "--out", tmp_path / "b") == 0
    assert "ResNet_reruns / top beat ResNet_reruns / mid by 1.5 points" in capsys.readouterr().out


# Stopped


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["_markdown", "picture", "render"])
def test_stopped_before_the_page_nothing_is_half_written(
    table: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first time nothing is left; another time what was there stays, to the last byte."""
    with monkeypatch.context() as patched:
        patched.setattr(write_module, where, stop)
        assert judge(table, *WORDS, "--out", "out") == 130
    assert [path.name for path in table.parent.iterdir()] == ["mine.csv"]
    assert judge(table, *WORDS, "--out", "out") == 0
    before = files_of(Path("out"))
    write(table, ROWS[:-1])
    with monkeypatch.context() as patched:
        patched.setattr(write_module, where, stop)
        assert judge(table, *WORDS, "--budget", "macs", "--out", "out") == 130
    assert files_of(Path("out")) == before


@pytest.mark.parametrize("moved", range(12))
def test_stopped_while_files_take_their_places_the_page_is_away_and_the_next_run_mends_it(
    table: Path, moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    more, fewer = ("--budget", "macs"), ("--expect", "two > one")
    assert judge(table, *WORDS, *fewer, "--out", "out") == 0
    left = moved
    replace = Path.replace

    def moving(self: Path, target: Path) -> Path:
        nonlocal left
        if self.parent.name.startswith(".out.part-") and Path(target).parent.name == "out":
            if not left:
                raise KeyboardInterrupt
            left -= 1
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", moving)
        assert judge(table, *WORDS, *more, "--out", "out") == (130 if moved < 12 else 0)
    assert not Path("out/report.html").exists()
    assert not list(Path("out").glob(".*"))
    assert judge(table, *WORDS, *fewer, "--out", "out") == 0
    mended = files_of(Path("out"))
    assert judge(table, *WORDS, *fewer, "--out", "new") == 0
    assert mended == files_of(Path("new"))


def test_a_disk_that_is_full_names_the_folder_that_was_asked_for(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(drawing: object, folder: Path) -> None:
        raise WriteError.of(folder / "outcome.png", OSError(errno.ENOSPC, "No space left"))

    monkeypatch.setattr(write_module, "save", full)
    assert judge(table, *WORDS, "--out", "out") == 2
    assert line_of(capsys).startswith("ablate: out/outcome.png: No space left")
    assert not Path("out").exists()


def test_an_empty_folder_is_filled_and_hidden_files_in_it_stay(table: Path) -> None:
    out = Path("out")
    out.mkdir()
    (out / ".keep").write_text("mine")
    assert judge(table, *WORDS, "--out", "out") == 0
    assert (out / "report.html").exists()
    assert (out / ".keep").read_text() == "mine"
