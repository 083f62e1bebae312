"""What each column of each table holds: those of a run, a search, claims and several runs.

The values behind the figures are in `drawn`. Some names of columns follow from the study: `AXIS`
stands for a column an axis, and `COST` for the cost that a search has among its objectives.
"""

from collections.abc import Mapping

from ablate.results import schema
from ablate.spec.choices import AXIS_PREFIX

Dictionary = Mapping[str, str]

AXIS, COST = "axis_NAME", "COST"
COSTS = ("macs", "params", "activations", "latency")

_OF_A_TRIAL = {
    "key": "content hash of the trial's full description, as in `trials.csv`",
    "cell": "the arm, or the arms of a factorial joined by ` / `",
    "seed": "of the trial",
}
MEAN = {
    "n": "values behind the mean: seeds, draws or repeats",
    "mean": "mean, in the unit of what is averaged; accuracies as fractions",
    "low": "lower end of the mean's 95% interval",
    "high": "upper end of the mean's 95% interval",
}
COUNTS = {
    "params": "trainable parameters",
    "macs": "multiply-accumulates of convolutions and linear layers for one image",
    "activations": "output elements of convolutions and linear layers for one image",
}
DIFFERENCE = {
    "diff": "mean of the cell less that of the baseline, as a fraction",
    "diff_low": "lower end of its interval, which holds together with all others of the run",
    "diff_high": "upper end of its interval",
}
_TIMINGS = {
    column.name: column.about
    for column in schema.COLUMNS
    if column.name.startswith(("train_", "infer_", "epoch_", "throughput_"))
    and column.name.rsplit("_", 1)[-1] not in ("images", "loss", "seconds")
    and column.name != "train_threads"
}
_SUMMARISED = {
    name: about
    for name, about in _TIMINGS.items()
    if not name.startswith("throughput_") and not name.endswith("_control")
}

SUMMARY = {
    "cell": "the arm, or the arms of a factorial joined by ` / `",
    "n": "complete trials, one a seed; of sampled networks complete draws",
    "diverged": "trials whose loss or gradient grew without bound",
    "failed": "trials that failed, ran out of memory or ran out of time",
    "mean": "mean test accuracy over seeds, as a fraction",
    "low": "lower end of the mean's 95% interval",
    "high": "upper end of the mean's 95% interval",
    **COUNTS,
    **_SUMMARISED,
    "throughput_control_off": "whether the baseline timed against itself was not equal: then no "
    "timing is to be trusted",
    **DIFFERENCE,
    "equal_low": "lower end of the 90% interval, which decides whether two arms are equivalent",
    "equal_high": "upper end of the 90% interval",
    "seeds": "the fewer complete trials of the two cells that are compared",
    "effect": "Hedges' g: the difference over the two cells' pooled standard deviation",
    "p": "p-value of no difference, adjusted over all comparisons of the run",
    "p_equal": "p-value of a difference outside the margin (two one-sided tests), adjusted too",
    "detectable": "the difference, as a fraction, that so many seeds show with 80% probability",
    "seeds_needed": "seeds of each arm that show a difference as large as the margin so",
    "finding": "baseline, higher, lower, equivalent, inconclusive or too few seeds",
    "wide_low": "as `diff_low`, but over seeds and test images",
    "wide_high": "as `diff_high`, but over seeds and test images",
    "wide_p": "as `p`, but over seeds and test images",
    "wide_finding": "as `finding`, but over seeds and test images",
}
HYPOTHESES = {
    "name": "of the prediction in the study file",
    "says": "the prediction in words",
    "kind": "higher, equal, optimum, interaction or rises",
    "column": "what it is about, such as test_accuracy",
    "verdict": "supported, refuted, equivalent or inconclusive",
    "estimate": "the difference or contrast in the unit of `column`; of an optimum, the growth",
    "low": "lower end of its 95% interval",
    "high": "upper end of its 95% interval",
    "equal_low": "lower end of the 90% interval, which decides whether it is equivalent",
    "equal_high": "upper end of the 90% interval",
    "p": "p-value of no difference, adjusted over all comparisons of the run",
    "p_equal": "p-value of a difference outside the margin (two one-sided tests), adjusted too",
    "margin": "what counts as equal, in the unit of `column`",
    "n": "seeds or draws behind it",
    "rows": "the rows of `trials.csv` that it comes from",
    "sentence": "the numbers in words",
    "wide_low": "as `low`, but over seeds and test images",
    "wide_high": "as `high`, but over seeds and test images",
    "wide_p": "as `p`, but over seeds and test images",
    "wide_verdict": "as `verdict`, but over seeds and test images",
    "seeds_needed": "seeds of each arm that show a difference as large as the margin with 80% "
    "probability; empty for an optimum, and where no number would",
}

TABLES: Mapping[str, Dictionary] = {
    "trials": {
        **{column.name: column.about for column in schema.COLUMNS[:3]},
        AXIS: "the arm of the axis NAME; one such column an axis of the study",
        **{column.name: column.about for column in schema.COLUMNS[3:]},
    },
    "epochs": {
        **_OF_A_TRIAL,
        "epoch": "1 for the first",
        "train_loss": "mean cross-entropy over the epoch's steps, nats",
        "val_loss": "mean cross-entropy over the validation images, nats",
        "val_accuracy": "fraction of validation images classified correctly",
        "grad_norm": "Euclidean norm of the gradient of all parameters at the last step",
        "seconds": "wall time of the epoch, its evaluation included",
    },
    "stages": {
        "cell": "the arm, or the arms of a factorial joined by ` / `",
        "net": "content hash of its network",
        "stage": "stem, stage 1, ..., head",
        "out_size": "height and width of what the stage puts out, pixels",
        **COUNTS,
    },
    "correct": {
        **{name: _OF_A_TRIAL[name] for name in ("cell", "seed", "key")},
        "images": "test images",
        "correct": "one bit an image in the order of the test split, the first in the highest bit, "
        "in hexadecimal: 1 where it was classified correctly",
    },
    "mechanism": {**_OF_A_TRIAL, **schema.MECHANISM_COLUMNS},
    "draws": {
        "network": "its number in each arm, where the draw was kept",
        "fate": "kept, or why it was drawn again: off the budget, off the shape, drawn before",
        "arm": "the first arm that could not take it",
        "depths": "JSON: blocks of each stage, as drawn",
        "ratios": "JSON: each stage's width over that of the stage before, for arms that draw it",
    },
    "tuning": {
        "cell": "whose learning rate is tuned",
        "lr": "learning rate of the trial",
        "seed": "of the trial; the study never uses it",
        "val_accuracy": "fraction of validation images, last epoch",
        "key": "content hash of the trial's full description",
        "state": "as in `trials.csv`; what is not complete counts as no accuracy at all",
    },
    "throughput": {
        "cell": "the arm, or the arms of a factorial joined by ` / `",
        "batch": "images a batch in this row",
        **_TIMINGS,
        "gpu_state": "JSON: clocks, power and temperature right after the timing",
        "device": "what was timed, `cpu: ...` or `cuda: ...`",
    },
    "summary": SUMMARY,
    "hypotheses": HYPOTHESES,
    "verdict": {
        "study": "name of the study; of several runs compared, that of their folder",
        "dataset": "name of the dataset; of several runs compared, how many they are",
        "question": "of the study",
        "word": "yes, no or open",
        "label": "the word as it reads, such as Open in part",
        "sentence": "the answer in a sentence",
        "effect": "the difference that it rests on, with its interval",
        "n": "seeds or draws behind it",
        "caveat": "what speaks most against it",
        "settle": "what would settle what is open",
        "facts": "how much was trained, and on what; parts are joined by ` | `",
    },
    "anova": {
        "effect": "an axis, or two axes as `a x b` for their interaction",
        "partial_eta2": "partial eta squared: its share of the variance that seeds and other "
        "effects leave",
        "n": "complete trials",
        "seeds": "of these trials",
    },
    "arms": {
        "arm": "a rule that networks were drawn by",
        "networks": "networks drawn",
        "n": "networks whose trainings completed",
        "mean_error": "mean test error over these networks, as a fraction",
        "mean_low": "lower end of its 95% interval",
        "mean_high": "upper end of its 95% interval",
        "median_error": "median test error, as a fraction",
        "median_low": "lower end of its 95% interval, by order statistics",
        "median_high": "upper end of its 95% interval",
        "threshold": "an error that the study file names, as a fraction",
        "share": "fraction of networks with an error below it",
        "share_low": "lower end of its 95% interval (Clopper and Pearson)",
        "share_high": "upper end of its 95% interval",
        "best": "the network that is best on validation images",
        "best_error": "its test error, as a fraction",
    },
    # Of a search.
    "search": {
        "sampler": "what drew the point",
        "repeat": "of the search, from 0",
        "number": "of the draw within sampler and repeat, from 0",
        "sampler_seed": "seed of this draw",
        "point": "JSON: the value of each axis of the space",
        "state": "complete, infeasible, pruned, diverged, oom, failed or timeout",
        "feasible": "whether it can be built and is within all limits",
        "repeated": "whether this sampler had drawn the same network before in this repeat; then "
        "it costs nothing",
        "keys": "keys of its trainings, with spaces between",
        "net": "content hash of the network",
        "val_accuracy": "mean over its trainings, fraction of validation images",
        "n": "trainings that have ended",
        "widths": "JSON: channels of each stage",
        "depths": "JSON: blocks in each stage",
        **COUNTS,
        "latency": "inference of one batch, milliseconds; empty where it was not timed",
        "train_macs": "multiply-accumulates of its trainings, that of a repeated network 0",
        "seconds": "wall time of its trainings",
        "network": "JSON: every field of its `NetSpec`",
    },
    "networks": {
        "net": "content hash of the network",
        "n": "trainings, those of all samplers together",
        "network": "JSON: every field of its `NetSpec`",
        "widths": "JSON: channels of each stage",
        "depths": "JSON: blocks in each stage",
        **COUNTS,
        "latency": "inference of one batch, milliseconds; empty where it was not timed",
        "val_accuracy": "mean over its trainings, fraction of validation images",
        "rank": "1 for the front, 2 for the front of what is left, and so on",
        "finalist": "its name in the confirmation, if it was confirmed",
    },
    "hypervolume": {
        "sampler": "whose search it is",
        "repeat": "of the search, from 0",
        "networks": "networks that it had paid for so far",
        "train_macs": "multiply-accumulates of their trainings",
        "hypervolume": "share of the box below the reference that its front dominates, 0 to 1",
    },
    "comparisons": {
        "name": "of the prediction in the search's file",
        "says": "the prediction in words",
        "verdict": "supported, refuted or inconclusive",
        "estimate": "mean difference of hypervolumes at equal multiply-accumulates of training",
        "low": "lower end of its 95% interval",
        "high": "upper end of its 95% interval",
        "p": "p-value of no difference, adjusted over all comparisons of samplers",
        "n": "repeats",
        "sentence": "the numbers in words",
    },
    "baseline": {
        "net": "content hash of the baseline's network",
        **COUNTS,
        "latency_batch": "images a batch when latencies were measured",
        "latency_threads": "CPU threads when latencies were measured",
        "latency_device": "what was timed, `cpu: ...` or `cuda: ...`",
        "latency": "the baseline's inference of one batch, milliseconds, median over blocks",
        "latency_control": "the baseline's speed over its own, timed as two networks; 1 if all is "
        "well",
        "latency_control_low": "lower end of its 95% interval",
        "latency_control_high": "upper end of its 95% interval",
        "latency_control_off": "whether the two were not equal: then no latency is to be trusted",
    },
    # Of several runs.
    "comparison": {
        "run": "study and data set of the run",
        "baseline": "of that run",
        **SUMMARY,
    },
    "order": {
        "run": "one run",
        "other": "another run",
        "arms": "arms that both have",
        "n": "seeds of the one",
        "n_other": "seeds of the other",
        "rank_correlation": "Spearman's rank correlation of the arms' means in the two",
        "low": "lower end of its 95% bootstrap interval",
        "high": "upper end of its 95% bootstrap interval",
        "best": "arm with the highest mean in the one",
        "best_other": "arm with the highest mean in the other",
    },
    "pooled": {
        "cell": "the arm whose difference from the baseline is pooled",
        "baseline": "of all these runs",
        "datasets": "of the runs, with `; ` between",
        "n": "seeds in each of them, with `; ` between",
        "estimate": "mean difference over the data sets, as a fraction",
        "low": "lower end of its 95% interval",
        "high": "upper end of its 95% interval",
        "tau": "standard deviation of the true difference between data sets, as a fraction",
        "i2": "share of the variance between the differences that is not noise of seeds, 0 to 1",
        "q_p": "p-value that the difference is the same in all data sets",
        "new_low": "lower end of the 95% interval for one more data set like these",
        "new_high": "upper end of that interval",
        "differs": "settings that are not the same in all runs; empty where none are",
    },
    # Of claims.
    "claims": {
        "claim": "its name in the file",
        "text": "what is claimed",
        "verdict": "supported, refuted or inconclusive",
        "checks": "checks of networks that it rests on",
        "checks_hold": "of these, how many hold",
        "linked": "predictions of studies that it is linked to, in all data sets",
        "linked_for": "of these, how many speak for it",
        "linked_against": "of these, how many speak against it",
        "instead": "what is right instead",
    },
    "checks": {
        "claim": "its name in the file",
        "of": "claim, or instead for what is right instead",
        "check": "what is looked at",
        "network": "torchvision's name of it; empty where a source was read",
        "claimed": "what should be there",
        "observed": "what is there",
        "holds": "whether they agree",
    },
    "linked": {
        "claim": "its name in the file",
        "study": "a study that says something about it",
        "hypothesis": "name of the prediction there",
        "role": "whether the prediction, where it holds, speaks for the claim or against it",
        "dataset": "of a run; empty where there is none",
        "verdict": "of the prediction in that run",
        "sentence": "the numbers in words",
        "seeds": "behind it",
        "speaks": "for, against or neither",
    },
    "torchvision": {
        "network": "torchvision's name of it",
        "stage": "1 for the first",
        "block": "basic or bottleneck",
        "planes": "width of a block before its expansion, channels",
        "inner_width": "channels within a block",
        "out_width": "channels that a block puts out",
        "blocks": "blocks in the stage",
        "in_side": "height and width of what the stage is given, pixels",
        "out_side": "height and width of what it puts out, pixels",
        "halved": "whether it halves them",
    },
}


def stands_for(name: str, column: str) -> bool:
    """Whether a name of a dictionary, `axis_NAME` and `COST` among them, is that of a column."""
    if name == AXIS:
        return column.startswith(AXIS_PREFIX)
    return column in COSTS if name == COST else column == name
