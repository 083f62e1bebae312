import io
import itertools
import json
import sys

import pytest

from ablate.cli.tables import judge_stream
from ablate.errors import InputError
from ablate.statistics.stream import Rule
from ablate.tables import stream
from ablate.tables.stream import checked, decisions, lines, runs

BASE = [90.1, 90.3, 90.0, 89.9, 90.2, 89.8]
ROWS = [
    *(("base", value) for value in BASE),
    *(("worse", value) for value in (89.0, 89.2)),
    *(("better", value) for value in (93.0, 93.2, 92.9)),
]
CSV = ["model,seed,accuracy\n", *(f"{name},0,{value}\n" for name, value in ROWS)]
JSON = [json.dumps({"model": name, "accuracy": value}) + "\n" for name, value in ROWS]


def read(text):
    return [(run.name, run.value) for run in runs("x", text, "model", "accuracy")]


def said(text, **settings):
    rows = runs("x", text, "model", "accuracy")
    return list(decisions("x", rows, Rule(), **settings))


def test_both_kinds_are_read_alike():
    assert read(CSV) == read(JSON) == ROWS
    assert read(["\n", *CSV[:1], "\n", *CSV[1:]]) == ROWS
    assert read([line.replace("\n", "\r\n") for line in CSV]) == ROWS
    assert read(["\ufeff" + CSV[0], '"a, b",0,1\n']) == [("a, b", 1.0)]


def test_a_name_is_one_however_it_is_spelled():
    """A stream cannot go back to refuse a name that it has judged."""
    text = ["model,accuracy\n", "ba  se ,90\n", "ba se,91\n", "e\u0301,92\n", "\u00e9,93\n"]
    found = said(text, baseline=" ba se")
    assert [(one.name, one.runs) for one in found] == [
        *(("ba se", 1), ("ba se", 2)),
        *(("\u00e9", 1), ("\u00e9", 2)),
    ]


def test_a_row_is_answered_before_the_next_is_read():
    taken = []

    def text():
        for line in CSV:
            taken.append(line)
            yield line

    rows = decisions("x", runs("x", text(), "model", "accuracy"), Rule())
    for count, _ in enumerate(itertools.islice(rows, 4), 2):
        assert len(taken) == count


def test_words_of_a_stream():
    words = [(one.word, one.name) for one in said(CSV)]
    assert words == [
        *[("kept", "base")] * 6,
        ("go on", "worse"),
        ("discard", "worse"),
        ("go on", "better"),
        ("go on", "better"),
        ("keep", "better"),
    ]
    assert said(CSV) == said(JSON)


def test_lower_is_better_turns_the_words_and_keeps_the_signs():
    turned = [line.replace("worse", "x").replace("better", "y") for line in CSV]
    upside = ["model,accuracy\n", *(f"{name},{180 - value}\n" for name, value in ROWS)]
    found, plain = said(upside, lower=True), said(turned)
    assert [one.word for one in found] == [one.word for one in plain]
    assert found[-1].estimate == pytest.approx(-plain[-1].estimate)
    assert found[-1].high == pytest.approx(-plain[-1].low)
    assert found[-1].high < 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ([], "holds no row"),
        (["model,accuracy\n"], "holds no row"),
        (["model,acuracy\n", "a,1\n"], "row 1: no column 'accuracy' (did you mean acuracy?)"),
        (["model,accuracy\n", "a,1\n", "a,good\n"], "row 2: column 'accuracy' is 'good'"),
        (["model,accuracy\n", "a,\n"], "is ''; expected a finite number"),
        (["model,accuracy\n", "a,nan\n"], "is 'nan'; expected a finite number"),
        (["model,accuracy\n", "a,inf\n"], "expected a finite number"),
        (["model,accuracy\n", " ,1\n"], "column 'model' is empty"),
        (["model,accuracy,accuracy\n", "a,1,2\n"], "2 columns are called 'accuracy'"),
        (['{"model": ["a"], "accuracy": 1}\n'], "column 'model' is ['a']; expected a name"),
        (["model,accuracy\n", "a,1,2\n"], "row 1 has 3 cells; expected 2"),
        (["model,accuracy\n", f"{'a' * 200_000},2\n"], "cannot be read as CSV"),
        (['{"model": "a", "accuracy": 1}\n', "[1]\n"], "row 2: expected an object"),
        (['{"model": "a", "accuracy": 1}\n', "{\n"], "row 2: cannot be read as JSON"),
        (['{"model": "a", "accuracy": true}\n'], "is True; expected a finite number"),
        (['{"model": null, "accuracy": 1}\n'], "column 'model' is empty"),
        (['{"model": "a", "accuracy": 1' + "0" * 400 + "}\n"], "expected a finite number"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(text, message):
    with pytest.raises(InputError) as raised:
        read(text)
    assert str(raised.value).startswith("x: ")
    assert message in str(raised.value)


def test_the_kept_one_comes_first():
    with pytest.raises(InputError, match="row 1 is of 'base'; expected a run of the baseline"):
        said(CSV, baseline="better")


def test_more_proposals_than_announced_are_refused():
    rows = runs("x", CSV, "model", "accuracy")
    found = decisions("x", rows, Rule(proposals=1))
    assert len(list(itertools.islice(found, 8))) == 8
    with pytest.raises(InputError, match="row 9: 'better' is proposal 2, and 1 were announced"):
        next(found)


@pytest.mark.parametrize(
    "settings", [{"error": 0}, {"error": 0.6}, {"proposals": 0}, {"most_runs": 2}]
)
def test_settings_out_of_range(settings):
    with pytest.raises(InputError, match="expected"):
        checked(Rule(**settings))


def test_a_file_that_grows_is_followed(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("model,acc")

    def more(_):
        with path.open("a") as out:
            out.write(next(parts))

    parts = iter(["uracy\n", "a,1\na,", "2\n"])
    monkeypatch.setattr(stream.time, "sleep", more)
    found = lines(str(path), follow=True)
    assert list(itertools.islice(found, 3)) == ["model,accuracy\n", "a,1\n", "a,2\n"]


def test_a_last_line_without_its_end_is_read(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("model,accuracy\na,1\na,2")
    assert read(lines(str(path))) == [("a", 1.0), ("a", 2.0)]
    with pytest.raises(InputError, match="no such file"):
        next(lines(str(tmp_path / "none.csv")))
    path.write_bytes(b"model,accuracy\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        list(lines(str(path)))


def test_what_is_printed(capsys, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("".join([*CSV, "worse,1,90\n"]))
    assert judge_stream.run(str(path), "model", "accuracy") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "kept base (1 run of 30 that are advised)"
    assert printed[7] == "discard worse (2 runs; -0.95 on average against base)"
    assert printed[8] == "go on better (1 run; +2.95 on average against base)"
    assert printed[10].startswith("keep better (3 runs; may be anything from +")
    assert printed[11] == "discard worse (settled before, after 2 runs)"


def test_what_is_printed_as_json(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(JSON)))
    assert judge_stream.run("-", "model", "accuracy", as_json=True, lower=True) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["word"] for row in rows[6:]] == ["go on", "go on", "go on", "discard", "discard"]
    assert rows[0]["low"] is None
