import numpy as np
import pandas as pd
import pytest

from ablate.results.looks import Look, cells, comparisons, decide, outcomes, replay
from ablate.study.file import StudyFile

LOOKS = [4, 6, 8, 10]
ARMS = ("base", "far", "near", "same", "noisy")
SHIFTS = {"base": 0.0, "far": 0.2, "near": 0.006, "same": 0.0, "noisy": 0.0}
SPREADS = {"base": 0.0005, "far": 0.003, "near": 0.003, "same": 0.0005, "noisy": 0.01}


def study(**changes):
    tables = {
        "question": "Which?",
        "baseline": "base",
        "seeds": LOOKS[-1],
        "axes": {"arm": {arm: {"depths": [place + 1]} for place, arm in enumerate(ARMS)}},
        "stop": {"looks": LOOKS},
        "hypotheses": {
            "again": {"says": "as compared", "higher": ["base", "near"], "margin": 0.003},
            "own": {"says": "two others", "equal": ["near", "noisy"]},
            "other": {"says": "not stopped for", "higher": ["far", "near"], "column": "val_loss"},
        },
    }
    return StudyFile.model_validate(tables | changes)


def trials(seeds=LOOKS[-1], seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        {
            "cell": arm,
            "seed": number,
            "state": "complete",
            "test_accuracy": 0.7 + SHIFTS[arm] + SPREADS[arm] * rng.standard_normal(),
        }
        for number in range(seeds)
        for arm in ARMS
    ]
    return pd.DataFrame(rows)


def test_each_pair_is_compared_once_with_the_smaller_margin():
    found = {one.name: one.margin for one in comparisons(study())}
    assert found == {
        "far - base": 0.005,
        "near - base": 0.003,
        "same - base": 0.005,
        "noisy - base": 0.005,
        "near - noisy": 0.005,
    }


def test_cells_of_two_axes_have_the_names_of_the_study():
    axes = {"a": {"one": {}, "two": {}}, "b": {"x": {}, "y": {}}}
    assert cells(study(axes=axes)) == ("one / x", "one / y", "two / x", "two / y")


def test_what_is_settled_is_trained_no_further():
    looks = replay(study(), trials())
    words = {name: word for look in looks for name, word in look.settled.items()}
    assert words.keys() == {one.name for one in comparisons(study())}
    assert words["far - base"] == "higher"
    assert words["same - base"] == "equivalent"
    assert looks[0].settled["far - base"] == "higher"
    assert "far" not in looks[0].needed
    assert looks[-1].needed == ()
    for look in looks[:-1]:
        assert "base" in look.needed or all("base" not in name for name in open_after(looks, look))
        assert list(look.needed) == [cell for cell in ARMS if cell in look.needed]


def open_after(looks, look):
    known = {name for one in looks if one.seeds <= look.seeds for name in one.settled}
    return [one.name for one in comparisons(study()) if one.name not in known]


def test_a_replay_is_every_look_in_turn():
    made: list[Look] = []
    for seeds in LOOKS:
        made.append(decide(study(), trials(), seeds, made))
        if not made[-1].needed:
            break
    assert replay(study(), trials()) == made


def test_rows_in_another_order_change_nothing():
    assert replay(study(), trials().sample(frac=1, random_state=1)) == replay(study(), trials())


def test_seeds_to_come_change_nothing():
    """Nor do trials of a cell after it was stopped."""
    table = trials()
    first = decide(study(), table, 4, [])
    changed = table.copy()
    changed.loc[changed["seed"] >= 4, "test_accuracy"] = 0.1
    assert decide(study(), changed, 4, []) == first
    stopped = ~table["cell"].isin(first.needed) & (table["seed"] >= 4)
    assert stopped.any()
    changed = table.copy()
    changed.loc[stopped, "test_accuracy"] = 0.1
    assert replay(study(), changed) == replay(study(), table)
    assert replay(study(), table[~stopped]) == replay(study(), table)


def test_a_trial_that_did_not_complete_is_missing():
    table = trials()
    lost = (table["cell"] == "far") & (table["seed"] == 1)
    failed = table.copy()
    failed.loc[lost, ["state", "test_accuracy"]] = ["diverged", 0.0]
    looks = replay(study(), failed)
    assert looks == replay(study(), table[~lost])
    assert looks[0].settled["far - base"] == "higher"


def test_a_cell_that_never_completes_is_given_up_at_the_last_look():
    table = trials()
    table.loc[table["cell"] == "far", "state"] = "failed"
    looks = replay(study(), table)
    assert [look.seeds for look in looks] == LOOKS
    assert looks[-1].settled["far - base"] == "open"


def test_a_word_never_contradicts_its_interval():
    found = outcomes(study(), trials(), replay(study(), trials()))
    assert [one.comparison for one in found] == list(comparisons(study()))
    for one in found:
        low, high = one.seen.low, one.seen.high
        assert (low > 0) >= (one.word == "higher")
        assert (high < 0) >= (one.word == "lower")
        if one.word == "equivalent":
            margin = one.comparison.margin
            assert -margin < one.seen.equal_low <= one.seen.equal_high < margin
        if one.word == "open":
            assert low <= 0 <= high


def test_without_futility_nothing_is_given_up_early():
    never = study(stop={"looks": LOOKS, "futility": 0})
    for look in replay(never, trials(seed=2))[:-1]:
        assert "open" not in look.settled.values()
    often = study(stop={"looks": LOOKS, "futility": 0.99})
    assert "open" in replay(often, trials(seed=2))[0].settled.values()


@pytest.mark.parametrize("seeds", LOOKS)
def test_a_study_with_nothing_to_compare_trains_all_it_planned(seeds):
    alone = study(axes={"arm": {"base": {}}}, hypotheses={})
    table = trials()[lambda frame: frame["cell"] == "base"]
    look = decide(alone, table, seeds, [])
    assert look == Look(seeds=seeds, settled={}, needed=() if seeds == LOOKS[-1] else ("base",))
