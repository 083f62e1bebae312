"""A sampler in one repeat: what it asks for, what it is told, and that a kill changes nothing."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

from ablate.networks.cost import count
from ablate.search.chain import Chain
from ablate.search.plan import Search
from ablate.search.space import Space
from ablate.spec.network import NetSpec
from ablate.spec.trial import TrialSpec
from ablate.training.outcome import Outcome
from support import searches


@pytest.fixture
def storage() -> BaseStorage:
    """Optuna's own, which lasts as long as the test."""
    return InMemoryStorage()


def chain_of(storage: BaseStorage, search: Search, sampler: str = "nsga2", **more: Any) -> Chain:
    return Chain(storage, "small/digits", search, sampler, 0, **more)


def study_of(storage: BaseStorage, name: str = "small/digits/nsga2-0") -> optuna.Study:
    """What any other program sees."""
    return optuna.load_study(study_name=name, storage=storage)


def run(chain: Chain, states: dict[str, str] | None = None, most: int = 10_000) -> dict[str, Any]:
    """Advance a chain until it is done, or for so many rounds; the outcomes that it was given."""
    known: dict[str, Any] = {}
    for _ in range(most):
        chain.advance(known)
        if chain.done:
            break
        for _, spec in chain.asked():
            state = (states or {}).get(spec.net.shortcut, "complete")
            known.setdefault(spec.key, _as_dict(searches.outcome(spec, state)))
    return known


def _as_dict(outcome: Outcome) -> dict[str, Any]:
    return {"row": outcome.row, "epochs": outcome.epochs}


def trained(chain: Chain) -> list[dict[str, Any]]:
    return [row for row in chain.rows() if row["feasible"] and not row["repeated"]]


def test_a_chain_trains_as_many_networks_as_it_may_and_none_beyond_a_limit(
    tmp_path: Path, storage: BaseStorage
) -> None:
    search = searches.small(tmp_path)
    chain = chain_of(storage, search)
    known = run(chain)
    rows = chain.rows()
    assert len(trained(chain)) == search.file.search.trials
    assert {key for row in trained(chain) for key in row["keys"].split()} == set(known)
    beyond = [row for row in rows if row["state"] == "infeasible"]
    assert beyond
    assert all(row["macs"] > search.reference["macs"] and not row["keys"] for row in beyond)
    assert all(row["macs"] <= search.reference["macs"] for row in trained(chain))


def test_optuna_knows_values_and_constraints(tmp_path: Path, storage: BaseStorage) -> None:
    chain = chain_of(storage, searches.small(tmp_path))
    run(chain)
    by_number = {row["number"]: row for row in chain.rows()}
    study = study_of(storage)
    assert [way.name for way in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    for trial in study.trials:
        row = by_number[trial.number]
        assert trial.state == TrialState.COMPLETE
        assert trial.values[1] == row["macs"]
        feasible = all(excess <= 0 for excess in trial.constraints.values())
        assert feasible is row["feasible"]
        if feasible:
            assert trial.values[0] == row["val_accuracy"]
    front = {trial.number for trial in study.best_trials}
    assert all(by_number[number]["feasible"] for number in front)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random"])
def test_every_sampler_heeds_the_limits(tmp_path: Path, storage: BaseStorage, sampler: str) -> None:
    chain = chain_of(storage, searches.small(tmp_path), sampler)
    run(chain)
    assert len(trained(chain)) == 6


def test_a_chain_that_is_stopped_anywhere_goes_on_as_if_it_had_not_been(
    tmp_path: Path, storage: BaseStorage
) -> None:
    search = searches.small(tmp_path)
    whole = chain_of(InMemoryStorage(), search)
    known = run(whole)
    for rounds in range(4):
        chain_of(storage, search).advance(dict(list(known.items())[:rounds]))
        study_of(storage).ask()  # as a kill in the middle of a draw leaves it
    last = chain_of(storage, search)
    assert len(trained(last)) == 3
    run(last)
    unnumbered = [
        [{key: value for key, value in row.items() if key != "number"} for row in chain.rows()]
        for chain in (whole, last)
    ]
    assert unnumbered[0] == unnumbered[1]


def test_a_kill_between_what_came_and_telling_it_loses_nothing(
    tmp_path: Path, storage: BaseStorage
) -> None:
    search = searches.small(tmp_path)
    known = run(chain_of(InMemoryStorage(), search))
    chain = chain_of(storage, search)
    chain.advance({})
    open_ = next(trial for trial in study_of(storage).trials if trial.state == TrialState.RUNNING)
    told = {"state": "complete", "val_accuracy": 0.1, "n": 1, "train_macs": 1, "seconds": 1.0}
    storage.set_trial_user_attr(open_._trial_id, "told", told)
    again = chain_of(storage, search)
    assert run(again).keys() == known.keys()
    assert 0.1 not in [row["val_accuracy"] for row in again.rows()]


def test_how_a_training_ends_is_told(tmp_path: Path, storage: BaseStorage) -> None:
    chain = chain_of(storage, searches.small(tmp_path), "random")
    run(chain, {"A": "diverged", "B": "failed"})
    study = study_of(storage, "small/digits/random-0")
    by_state = {row["state"]: study.trials[row["number"]] for row in trained(chain)}
    assert by_state["complete"].state == TrialState.COMPLETE
    assert by_state["diverged"].values[0] == 0.0
    assert by_state["failed"].state == TrialState.FAIL
    lost = [row for row in trained(chain) if row["state"] != "complete"]
    assert all(row["val_accuracy"] is None for row in lost)
    assert len(trained(chain)) == 6


def test_what_a_training_costs_is_counted(tmp_path: Path, storage: BaseStorage) -> None:
    search = searches.small(tmp_path, ("epochs = 1", "epochs = 3"))
    chain = chain_of(storage, search)
    run(chain)
    for row in chain.rows():
        paid = row["feasible"] and not row["repeated"]
        expected = 3 * row["macs"] * search.images * 3 if paid else 0
        assert row["train_macs"] == expected


def test_a_space_that_is_used_up_ends_the_chain(tmp_path: Path, storage: BaseStorage) -> None:
    few = ("base_width = { from = 2, to = 6 }", "base_width = [2, 3]")
    one = ("growth = { from = 1.0, to = 3.0, step = 0.5 }", "growth = [2.0]")
    flat = ("depths = { stages = 3, from = 1, to = 2 }\n", "")
    plain = ('shortcut = ["none", "A", "B"]\n', "")
    chain = chain_of(storage, searches.small(tmp_path, few, one, flat, plain), "random")
    run(chain)
    assert chain.done
    assert len(trained(chain)) == 2
    repeated = [row for row in chain.rows() if row["repeated"]]
    assert repeated
    assert all(row["val_accuracy"] is not None and row["train_macs"] == 0 for row in repeated)


def test_what_cannot_be_built_is_not_trained(tmp_path: Path, storage: BaseStorage) -> None:
    both = (
        'shortcut = ["none", "A", "B"]',
        'block = ["bottleneck", "basic"]\nstride_conv = ["3x3", "1x1"]',
    )
    free = ('[limits]\nmacs = { at_most = "baseline" }\n', "")
    chain = chain_of(storage, searches.small(tmp_path, both, free), "random")
    run(chain)
    unbuilt = [row for row in chain.rows() if row["net"] is None]
    assert unbuilt
    assert {row["state"] for row in unbuilt} == {"infeasible"}
    assert len(trained(chain)) == 6


def test_networks_may_be_asked_for_together(tmp_path: Path, storage: BaseStorage) -> None:
    chain = chain_of(storage, searches.small(tmp_path, ("startup = 3", "startup = 3\nat_once = 4")))
    chain.advance({})
    together = len(list(chain.asked()))
    assert 1 <= together <= 4
    assert len(study_of(storage).trials) >= 4
    run(chain)
    assert len(trained(chain)) == 6


def test_a_network_is_the_mean_of_its_trainings(tmp_path: Path, storage: BaseStorage) -> None:
    search = searches.small(tmp_path, ("startup = 3", "startup = 3\nseeds_each = 3"))
    chain = chain_of(storage, search)
    known = run(chain)
    for row in trained(chain):
        each = [known[key]["row"]["val_accuracy"] for key in row["keys"].split()]
        assert row["n"] == len(each) == 3
        assert row["val_accuracy"] == pytest.approx(sum(each) / 3)


def test_wilcoxon_spares_the_last_seeds_of_what_is_worse(
    tmp_path: Path, storage: BaseStorage
) -> None:
    settings = ("startup = 3", 'startup = 3\nseeds_each = 7\npruner = "wilcoxon"')
    search = searches.small(tmp_path, settings, *searches.ONE_OBJECTIVE)
    chain = chain_of(storage, search, "random")
    known = run(chain)
    cut = [row for row in trained(chain) if row["state"] == "pruned"]
    assert cut
    assert all(4 <= row["n"] < 7 for row in cut)
    assert len(known) == sum(row["n"] for row in trained(chain))
    whole = [row["val_accuracy"] for row in trained(chain) if row["state"] == "complete"]
    assert max(row["val_accuracy"] for row in cut) < max(whole)


def test_latency_is_measured_of_what_may_be_trained(tmp_path: Path, storage: BaseStorage) -> None:
    timed: list[NetSpec] = []

    def latency(net: NetSpec) -> float:
        timed.append(net)
        return 0.25

    search = searches.small(tmp_path, *searches.TIMED)
    chain = chain_of(storage, search, latency=latency)
    run(chain)
    assert {row["latency"] for row in chain.rows() if row["feasible"]} == {0.25}
    assert {row["latency"] for row in chain.rows() if not row["feasible"]} == {None}
    assert all(max(search.space.excesses(net).values()) <= 0 for net in timed)
    assert isinstance(search.space, Space)


def test_what_is_slower_than_a_limit_is_not_trained(tmp_path: Path, storage: BaseStorage) -> None:
    """The latency is the parameters' number, in thousands, as milliseconds."""
    limit = ("[limits]", "[limits]\nlatency = { at_most = 4.0 }")
    chain = chain_of(
        storage,
        searches.small(tmp_path, limit),
        latency=lambda net: count(net).params / 1000,
    )
    known = run(chain)
    rows = chain.rows()
    timed = [row for row in rows if row["latency"] is not None]
    assert {row["feasible"] for row in timed} == {True, False}
    for row in timed:
        assert row["latency"] == row["params"] / 1000
        assert row["feasible"] == (row["latency"] <= 4.0)
        assert row["feasible"] or (row["state"], row["keys"]) == ("infeasible", "")
    assert all(outcome["row"]["val_accuracy"] for outcome in known.values())
    beyond_by_counting = [row for row in rows if row["latency"] is None]
    assert all(row["macs"] > 49_568 for row in beyond_by_counting)


def test_no_seed_is_one_of_the_confirmation(tmp_path: Path, storage: BaseStorage) -> None:
    chain = chain_of(storage, searches.small(tmp_path))
    run(chain)
    specs: list[TrialSpec] = [spec for _, spec in chain.asked()]
    assert {spec.seed for spec in specs} == {1_000_000}
