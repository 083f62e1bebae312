"""Words for arms and axes: read strictly, and without any effect on what is trained."""

import re
from pathlib import Path

import pytest

from ablate.data.catalog import DATASETS
from ablate.errors import InputError
from ablate.study.file import read_study_file, read_words
from ablate.study.find import study_folders
from ablate.study.plan import load_study

STUDY = """question = "Which?"
baseline = "says"

[net]
base_width = 4
depths = [1, 1]
strides = [1, 2]

[axes.growth]
says = "the growth"
one = {{ growth = 1.0, says = {} }}

[axes.growth.says]
growth = 2.0
"""


def study(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_words_are_read_and_an_arm_may_be_called_says(tmp_path: Path) -> None:
    # TOML takes a key once: the axis' words and an arm of that name exclude each other.
    text = STUDY.format('"constant width"').replace('says = "the growth"\n', "")
    path = study(tmp_path, text)
    assert read_words(path).arms == {("growth", "one"): "constant width"}
    assert list(read_study_file(path).axes["growth"]) == ["one", "says"]
    axis = STUDY.format('"constant width"').partition("[axes.growth.says]")[0] + "two = {}\n"
    assert read_words(study(tmp_path, axis)).axes == {"growth": "the growth"}


@pytest.mark.parametrize(
    "says",
    ['""', '" a"', '"a. "', '"a."', "3", '"a\\nb"', f'"{"a" * 61}"', f'"{"a " * 10}b"'],
)
def test_words_that_would_not_fit_a_sentence_are_refused(tmp_path: Path, says: str) -> None:
    path = study(tmp_path, STUDY.format(says).replace('says = "the growth"\n', ""))
    with pytest.raises(InputError, match=r"own.toml: axes.growth.one.says = .*: expected a few"):
        read_study_file(path)


@pytest.mark.parametrize("path", sorted(study_folders()[1].glob("width_*.toml")), ids=str)
def test_words_change_no_trial(path: Path, tmp_path: Path) -> None:
    text = re.sub(r', says = "[^"]*" \}|(?<=\{) says = "[^"]*" \}', " }", path.read_text())
    text = re.sub(r'^says = "the growth of the widths"\n|^answers = .*\n', "", text, flags=re.M)
    assert text.count("says") < path.read_text().count("says")
    bare = study(tmp_path, text).rename(tmp_path / path.name)
    info = DATASETS["digits"]
    plans = [load_study(one, info).plan() for one in (path, bare)]
    assert plans[0] == plans[1]
    assert len(plans[0]) > 20


def test_an_answer_is_yes_or_no(tmp_path: Path) -> None:
    more = '\n[hypotheses.a]\nsays = "a"\nhigher = ["one", "says"]\nanswers = "perhaps"\n'
    text = STUDY.format('"b"').replace('says = "the growth"\n', "") + more
    with pytest.raises(InputError, match=r"hypotheses.a.answers = 'perhaps': .*'yes' or 'no'"):
        read_study_file(study(tmp_path, text))


@pytest.mark.parametrize("text", ["a\\u001b[31m", " ", "a\\u0000"])
@pytest.mark.parametrize("key", ["question", "says"])
def test_a_sentence_holds_no_control_characters(tmp_path: Path, text: str, key: str) -> None:
    more = '\n[hypotheses.a]\nsays = "a"\nhigher = ["one", "says"]\n'
    file = STUDY.format('"b"').replace('says = "the growth"\n', "") + more
    old = 'question = "Which?"' if key == "question" else '\nsays = "a"'
    path = study(tmp_path, file.replace(old, f'{old.split("=")[0]}= "{text}"'))
    with pytest.raises(InputError, match="expected a sentence, without control characters"):
        read_study_file(path)


@pytest.mark.parametrize(
    ("prediction", "says"),
    [
        ('higher = ["one", "says"]\ncolumn = "block_loss"', "column: 'block_loss'"),
        ('rises = "one"\ncolumn = "test_accuracy"', "column: 'test_accuracy'"),
        ('optimum = 2.0\ncolumn = "val_loss"', "expected one of test_accuracy, val_accuracy"),
    ],
)
def test_a_column_of_another_kind_of_prediction_is_refused(
    tmp_path: Path, prediction: str, says: str
) -> None:
    text = STUDY.format('"b"').replace('says = "the growth"\n', "")
    path = study(tmp_path, f'{text}\n[hypotheses.a]\nsays = "a"\n{prediction}\n')
    with pytest.raises(InputError, match=says):
        read_study_file(path)
