"""The sections of a report on what came before the trials: networks drawn, learning rates tuned."""

import json
from typing import Any

import pandas as pd

from ablate.analysis import populations, wording
from ablate.analysis.findings import Findings
from ablate.report import recipe_sections
from ablate.report.html.page import Section, Table
from ablate.study import tuning
from ablate.study.draws import DRAWN


def spaces(found: Findings) -> list[Section]:
    """Of sampled networks: how they were drawn, and the errors of each arm's networks."""
    sample, arms = found.file.sample, found.arms
    if sample is None:
        return []
    least, most = sample.depths
    drawn = [
        f"{sample.networks} networks of each arm were drawn at random (seed {sample.seed}), each "
        f"with {least} to {most} blocks a stage, and brought to within {sample.tolerance:.0%} of "
        "one budget by their widths. The arms of a draw have the same depths and the same seed of "
        "training. n counts networks, and intervals are over networks.",
        *_ratios(found),
        *_drawn_again(found.draws),
    ]
    frame = pd.DataFrame(
        {
            "arm": arms["arm"],
            "n": [f"{n} of {drawn}" for n, drawn in zip(arms["n"], arms["networks"], strict=True)],
            "median error %": wording.percents(
                arms[["median_error", "median_low", "median_high"]], ".1f"
            ),
            "mean error %": wording.percents(arms[["mean_error", "mean_low", "mean_high"]], ".1f"),
        }
    )
    if arms["share"].notna().any():
        share = f"% of networks below {100 * arms['threshold'].iloc[0]:g}% error"
        frame[share] = wording.percents(arms[["share", "share_low", "share_high"]], ".0f")
    frame["best on validation (test error %)"] = [
        f"{name} ({100 * error:.1f})" if name else "-"
        for name, error in zip(arms["best"], arms["best_error"], strict=True)
    ]
    note = (
        "95% intervals, of each arm by itself: of medians by order statistics, of means by BCa "
        "bootstrap, of shares by Clopper and Pearson. The best network is chosen by validation "
        "images; its test error is that of one training."
    )
    table = Table(caption="Test errors of each arm's networks", frame=frame, note=note)
    return [
        Section(
            heading="The design spaces", anchor="spaces", paragraphs=tuple(drawn), tables=(table,)
        )
    ]


def _ratios(found: Findings) -> list[str]:
    """The sentence about arms whose widths are drawn too."""
    assert found.file.sample is not None
    if found.file.sample.ratios is None:
        return []
    least, most = found.file.sample.ratios
    (arms,) = found.file.axes.values()
    drawn = [arm for arm, settings in arms.items() if settings.get("growth") == DRAWN]
    return [
        f"In {', '.join(drawn)} each stage's width over that of the stage before was drawn too, "
        f"from {least:g} to {most:g}, evenly on a log scale."
    ]


def _drawn_again(draws: pd.DataFrame | None) -> list[str]:
    """The sentence that says how many draws were made again, and why."""
    if draws is None:
        return []
    again = draws[draws["fate"] != "kept"]
    counts = (again["fate"] + " in " + again["arm"]).value_counts()
    why = [f"{count} {fate}" for fate, count in counts.items()]
    if not why:
        return [f"All {len(draws)} draws were kept."]
    return [f"{len(again)} of {len(draws)} draws were made again: {', '.join(why)}."]


def sampled_networks(trials: pd.DataFrame) -> Section:
    """Of sampled networks: what those of each arm are like, from the least to the most."""
    networks = populations.by_draw(trials)
    rows = []
    for arm, of_arm in networks.groupby("cell", sort=False):
        widths = pd.DataFrame(map(json.loads, of_arm["widths"]))
        rows.append(
            {
                "arm": str(arm),
                "networks": str(len(of_arm)),
                "widths of each stage": ", ".join(_range(widths[stage]) for stage in widths),
                "blocks": _range(of_arm["depths"].map(json.loads).map(sum)),
                "params": _range(of_arm["params"]),
                "MACs": _range(of_arm["macs"]),
                "activations": _range(of_arm["activations"]),
                "off the budget": _range(of_arm["match_residual"], "+.1%"),
                "off the shape, at most": f"{of_arm['match_shape_error'].max():.1%}",
            }
        )
    note = "Each network is a row of trials.csv. MACs and activations are for one image."
    table = Table(caption="Networks of each arm", frame=pd.DataFrame(rows), note=note)
    return Section(heading="The networks", anchor="networks", tables=(table,))


def _range(values: "pd.Series[Any]", form: str = ",") -> str:
    least, most = values.min(), values.max()
    return f"{least:{form}}" if least == most else f"{least:{form}} to {most:{form}}"


def rates(found: Findings) -> list[Section]:
    """What tuning chose for each cell, and a warning where that is at an end of what was tried."""
    tune, chosen = found.file.tune, found.rates
    if tune is None or chosen.empty:
        return []
    tried = ", ".join(f"{lr:g}" for lr in tune.lr)
    whose = "its own" if recipe_sections.fields_of_arms(found) else "the study's"
    text = [
        f"Before the study each cell tried the learning rates {tried} with "
        f"{wording.plural(tune.seeds, 'trial')} each, by {whose} recipe and with seeds of "
        "their own, and took the one with the highest mean validation accuracy. No test image was "
        "evaluated. All cells had the same trials.",
        *tuning.warnings(chosen),
    ]
    if chosen["lost"].any():
        text.append(
            f"{chosen['lost'].sum()} of these trials did not complete; each counts as no accuracy "
            "at all."
        )
    if found.file.sample is not None:
        cells = populations.by_arm(chosen, found.trials).rename(columns={"cell": "arm"})
        counts = cells.groupby(["arm", "lr"], sort=False).size().unstack(fill_value=0)
        frame = counts.reindex(columns=list(tune.lr), fill_value=0).reset_index()
        frame.columns = pd.Index(["arm", *(f"{lr:g}" for lr in tune.lr)])
        table = Table(caption="Networks of each arm by chosen learning rate", frame=frame)
    else:
        frame = pd.DataFrame(
            {
                "cell": chosen["cell"],
                "learning rate": [f"{lr:g}" for lr in chosen["lr"]],
                "end of the list": chosen["end"].replace("", "no"),
                "validation accuracy %": wording.percents(chosen[["mean", "low", "high"]], ".1f"),
                "n": chosen["n"].astype(str),
            }
        )
        note = (
            "Validation accuracy is that at the chosen rate, with Student's 95% interval; as the "
            "highest of several it flatters."
        )
        table = Table(caption="Chosen learning rates", frame=frame, note=note)
    return [
        Section(heading="Learning rates", anchor="rates", paragraphs=tuple(text), tables=(table,))
    ]
