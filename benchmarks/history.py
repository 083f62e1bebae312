"""Ratios of runs of `benchmarks.verdict` and `benchmarks.loops`, commit by commit.

`python -m benchmarks.history RUN.json ...` sets the ratios of saved runs beside those that were
kept last of the same machine and settings; with `--keep` they are kept too, in
`results/published/bench/history.csv`, and drawn beside it. Of a run whose control is off none is.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.analysis.wording import aligned
from ablate.training.timing import Ratio, control_is_off

FOLDER = Path(__file__).resolve().parents[1] / "results" / "published" / "bench"
COLUMNS = ("date", "commit", "device", "settings", "beside", "ratio", "low", "high")
SAME = ["device", "settings", "beside"]


def main(argv: list[str] | None = None) -> None:
    """Print each ratio beside the last; keep and draw them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN.json")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    args = parser.parse_args(argv)
    path = args.folder / "history.csv"
    kept = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))
    new = pd.concat([rows(json.loads(run.read_text())) for run in args.runs], ignore_index=True)
    print("\n".join(compared(kept, new)))
    if args.keep and len(new):
        whole = new if kept.empty else pd.concat([kept, new], ignore_index=True)
        whole.to_csv(path, index=False, float_format="%.4g", lineterminator="\n")
        draw(whole, args.folder / "history.png")


def rows(run: Mapping[str, Any]) -> pd.DataFrame:
    """The ratios of a saved run, one a row; none where its control is off."""
    ratios = {name: Ratio(**own) for name, own in run["ratios"].items()}
    control = next(ratio for name, ratio in ratios.items() if name.endswith(" again"))
    common = {
        "date": run["date"],
        "commit": run["machine"]["commit"][:7],
        "device": run["machine"]["device"],
        "settings": ", ".join(f"{key} {value}" for key, value in run["settings"].items()),
    }
    found = [
        {**common, "beside": name, "ratio": ratio.value, "low": ratio.low, "high": ratio.high}
        for name, ratio in ratios.items()
    ]
    return pd.DataFrame([] if control_is_off(control) else found, columns=list(COLUMNS))


def compared(kept: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Each new ratio beside the last one that was kept of the same device and settings."""
    if new.empty:
        return ["not measurable now: the control is off"]
    lines = [["beside", "now", "last"]]
    for row in new.to_dict("records"):
        same = (kept[SAME] == pd.Series({name: row[name] for name in SAME})).all(axis=1)
        last = [_said(one) + f" at {one['commit']}" for one in kept[same].to_dict("records")]
        lines.append([row["beside"], _said(row), last[-1] if last else "-"])
    return aligned(lines, ["beside", "now", "last"])


def draw(history: pd.DataFrame, path: Path) -> None:
    """A line for each peer over the commits, a panel for each device and settings."""
    import seaborn as sns
    from matplotlib import pyplot as plt

    panels = list(history.groupby(["device", "settings"], sort=False))
    with sns.axes_style("whitegrid"):
        figure, every = plt.subplots(
            len(panels), 1, figsize=(8, 3.2 * len(panels)), squeeze=False, layout="constrained"
        )
    for axes, ((device, settings), part) in zip(every[:, 0], panels, strict=True):
        places = {one: number for number, one in enumerate(dict.fromkeys(part["date"]))}
        for beside, own in part.groupby("beside", sort=False):
            reach = [own["ratio"] - own["low"], own["high"] - own["ratio"]]
            axes.errorbar(own["date"].map(places), own["ratio"], reach, marker="o", label=beside)
        commits = part.drop_duplicates("date")["commit"]
        axes.set_xticks(list(places.values()), list(commits))
        axes.axhline(1, color="0.3", linewidth=0.8)
        axes.set(xlabel="commit", ylabel="ablate is so many\ntimes as fast", ylim=(0, None))
        axes.set_title(f"{settings}\n{device}", fontsize=8)
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _said(row: Mapping[Any, Any]) -> str:
    return f"{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


if __name__ == "__main__":
    main()
