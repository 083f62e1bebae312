"""A file of a search: what it says, and its faults in one line each."""

from pathlib import Path

import pytest

from ablate.errors import InputError
from ablate.search.file import finalist, read_search_file
from ablate.study.find import find_studies, kind_of
from ablate.study.toml_file import read_toml
from support import searches


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = read_search_file(searches.write(tmp_path))
    assert (file.search.samplers, file.search.pruner) == (["nsga2", "random"], "none")
    assert file.reference == {"val_accuracy": 0.05, "macs": "baseline"}
    assert finalist(1) == "finalist 1"


def test_what_holds_a_search(tmp_path: Path) -> None:
    paths = [searches.write(tmp_path), find_studies()["width_doubling"], find_studies()["claims"]]
    assert [kind_of(read_toml(path)) for path in paths] == ["search", "study", "claims"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("trials = 6", "trails = 6", "search.trails: unknown key (did you mean trials?)"),
        ("trials = 6", "trials = 0", "search.trials = 0"),
        ('"nsga2", "random"]\nobj', '"nsga3"]\nobj', "search.samplers.0 = 'nsga3'"),
        ('"nsga2", "random"]\nobj', '"tpe", "tpe"]\nobj', "search.samplers"),
        ('["val_accuracy", "macs"]', '["macs"]', "expected val_accuracy among them"),
        ('val_accuracy = 0.05\nmacs = "baseline"', "val_accuracy = 0.05", "reference: expected"),
        ("val_accuracy = 0.05", 'val_accuracy = "baseline"', "reference.val_accuracy: expected"),
        ("val_accuracy = 0.05", "val_accuracy = 5.0", "reference.val_accuracy = 5.0"),
        ('at_most = "baseline"', 'at_most = "base"', "limits.macs.at_most"),
        ("macs = { at_most", "time = { at_most", "limits.time"),
        ("finalists = 2", "finalists = 7", "expected at most trials = 6"),
        ("finalists = 2", 'pruner = "halving"', "trainings are cut short by their accuracy alone"),
        ('higher = ["nsga2", "random"]', 'higher = ["nsga2", "tpe"]', "'tpe'"),
        ('higher = ["nsga2", "random"]', 'higher = ["nsga2", "nsga2"]', "expected two that differ"),
        ('"finalist 1", "doubling"', '"finalist 3", "doubling"', "'finalist 3'"),
        ('higher = ["finalist 1", "doubling"]', "optimum = 2.0", "expected one of higher, equal"),
        ('baseline = "doubling"', 'baseline = "finalist 1"', "is the name of a finalist"),
        ("[space]", "[places]", "places: unknown key"),
        ("seeds = 2", "seeds = 1000000", "seeds = 1000000"),
        ("[limits]", "[latency]\nbatch = 2\n[limits]", "latency: nothing is timed; expected"),
        ("[limits]", "[latency]\nbatch = 0\n[limits]", "latency.batch = 0"),
        ("[limits]", "[latency]\nthreads = 1.5\n[limits]", "latency.threads = 1.5"),
        ("[limits]", "[latency]\nbatches = 2\n[limits]", "(did you mean batch?)"),
        ("[limits]", "[limits]\nlatency = { at_most = -3.0 }", "limits.latency.at_most"),
    ],
)
def test_a_fault_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        read_search_file(searches.write(tmp_path, (old, new)))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'small.toml'}: ")
    assert line in message
    assert "\n" not in message


def test_a_latency_is_of_one_image_and_one_thread_unless_the_file_says_otherwise(
    tmp_path: Path,
) -> None:
    plain = read_search_file(searches.write(tmp_path))
    assert not plain.times_latency
    file = read_search_file(searches.write(tmp_path, *searches.TIMED))
    assert (file.latency.batch, file.latency.threads) == (1, 1)
    stated = ("[space]", "[latency]\nbatch = 32\nthreads = 2\n[space]")
    file = read_search_file(searches.write(tmp_path, *searches.TIMED, stated))
    assert (file.latency.batch, file.latency.threads) == (32, 2)
    limited = ("[limits]", "[limits]\nlatency = { at_most = 3.0 }")
    assert read_search_file(searches.write(tmp_path, limited)).times_latency


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ('pruner = "wilcoxon"\nseeds_each = 4', "expected seeds_each of 5 to 100 for false_prunes"),
        ('pruner = "wilcoxon"\nseeds_each = 101', "expected seeds_each of 5 to 100"),
        (
            'pruner = "wilcoxon"\nseeds_each = 7\nfalse_prunes = 0.01',
            "expected seeds_each of 8 to 100 for false_prunes = 0.01",
        ),
        ('pruner = "wilcoxon"\nseeds_each = 7\nfalse_prunes = 0.5', "search.false_prunes = 0.5"),
        ('pruner = "halving"\nfalse_prunes = 0.1', 'false_prunes needs pruner = "wilcoxon"'),
        ('pruner = "hyperband"\nseeds_each = 2', "expected seeds_each = 1"),
    ],
)
def test_a_pruner_has_needs(tmp_path: Path, settings: str, line: str) -> None:
    path = searches.write(tmp_path, *searches.ONE_OBJECTIVE, ("finalists = 2", settings))
    with pytest.raises(InputError, match=line):
        read_search_file(path)
