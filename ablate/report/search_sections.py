"""The sections of a report that a search adds: what it found, which sampler, and how it went."""

import math

import pandas as pd

from ablate.analysis import wording
from ablate.errors import plural
from ablate.report.html.page import Section, Table
from ablate.search import front
from ablate.search.explored import Explored
from ablate.search.file import ACCURACY, SearchTable
from ablate.search.words import network_words, notes, value_text


def sections(explored: Explored) -> list[Section]:
    """The sections of a search, in reading order."""
    return [_found(explored), *_compared(explored), _space(explored)]


def _found(explored: Explored) -> Section:
    found = explored.networks[
        (explored.networks["rank"] == 1) | explored.networks["finalist"].notna()
    ]
    words = network_words(explored.networks)
    timed = explored.timing is not None
    latency = {"latency, ms": [f"{value:.3g}" for value in found["latency"]]} if timed else {}
    frame = pd.DataFrame(
        {
            "network": [words[net] for net in found["net"]],
            "confirmed as": found["finalist"].fillna("-"),
            "validation accuracy %": [f"{100 * value:.1f}" for value in found[ACCURACY]],
            "trainings": found["n"].astype(int),
            "MACs": [f"{value:,}" for value in found["macs"]],
            "params": [f"{value:,}" for value in found["params"]],
            **latency,
            "on the front": ["yes" if rank == 1 else "no" for rank in found["rank"]],
        }
    )
    table = Table(
        caption="The front of what was explored, and the finalists",
        frame=frame,
        note="Widths of the stages, and their blocks. Accuracy: the mean over so many trainings. "
        "Of many networks the best seem better than they are, so the finalists were trained anew.",
    )
    rows = explored.rows
    counts = rows["state"].value_counts()
    ends = ", ".join(f"{number:,} {state}" for state, number in counts.items())
    return Section(
        heading="What the search found",
        anchor="search",
        paragraphs=(
            f"{len(explored.networks):,} networks were trained whole. The samplers drew "
            f"{plural(f'{len(rows):,}', 'point')}: {ends}. Infeasible ones are beyond a limit or "
            "cannot be built, and were not trained. Draws of a network that a sampler had drawn "
            f"before are free: {int(rows['repeated'].sum()):,}.",
            "Exploring looked at the validation split alone. What is said of accuracies above is "
            "of the confirmation, with seeds of its own and one test evaluation a trial.",
            *notes(explored),
        ),
        tables=(table,),
    )


def _compared(explored: Explored) -> list[Section]:
    if explored.comparisons.empty:
        return []
    frame = pd.DataFrame(
        {
            "prediction": explored.comparisons["says"],
            "verdict": explored.comparisons["verdict"],
            "numbers": explored.comparisons["sentence"],
        }
    )
    several = " They hold together (max-t)." if len(frame) > 1 else ""
    note = (
        "Hypervolume: the share of the box between the reference and the best thinkable that a "
        "front dominates. In each repeat both samplers begin with the same networks and train with "
        "the same seed; they are compared at the training MACs that the one which spent less had "
        "spent, each network that a sampler asked for counted as if it alone had trained it."
        + several
    )
    table = Table(caption="Predictions about samplers and their verdicts", frame=frame, note=note)
    return [Section(heading="Which sampler", anchor="samplers", tables=(table,))]


def _space(explored: Explored) -> Section:
    search, reference = explored.file.search, explored.file.reference
    costs = explored.baseline.costs if explored.baseline else {}
    ends = front.progress(explored.hypervolumes, "networks").groupby("sampler", sort=False).last()
    facts = {
        "objectives": ", ".join(search.objectives),
        "reference": ", ".join(
            f"{name} {_bound(name, value, explored.reference[name])}"
            for name, value in reference.items()
        ),
        "networks a sampler and repeat": f"{search.trials:,}",
        "repeats": f"{search.repeats:,}",
        "drawn at random first": f"{search.startup:,}",
        "asked for at once": f"{search.at_once:,}",
        "trainings a network": f"{search.seeds_each:,}",
        "pruner": _pruner(search),
        "seed": f"{search.seed}",
        **{
            f"hypervolume of {sampler}": wording.interval_text(
                row["mean"], row["low"], row["high"], ".3f"
            )
            + f" (n = {int(row['n'])})"
            for sampler, row in ends.iterrows()
        },
        **{f"axis {name}": _plain(value) for name, value in explored.file.space.items()},
        **{
            f"limit on {quantity}": ", ".join(
                f"{name.replace('_', ' ')} {_bound(quantity, bound, costs.get(quantity))}"
                for name, bound in table
                if bound is not None
            )
            for quantity, table in explored.file.limits.items()
        },
    }
    frame = pd.DataFrame({"what": list(facts), "value": list(facts.values())})
    return Section(
        heading="How it was searched",
        anchor="searched",
        tables=(Table(caption="The search, from its file", frame=frame),),
    )


def _bound(name: str, given: float | str, known: float | None) -> str:
    """A bound with its unit; that of the baseline as it was found, where that is known."""
    if given != "baseline":
        return value_text(name, float(given))
    return given if known is None or math.isnan(known) else f"{given} ({value_text(name, known)})"


def _pruner(search: SearchTable) -> str:
    if search.pruner != "wilcoxon":
        return search.pruner
    return f"wilcoxon; cuts at most {search.false_prunes:.0%} of networks as good as the one before"


def _plain(value: object) -> str:
    """An axis as the file has it, in a few letters."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(inner)}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
