"""What each column of the values behind a figure holds, in NAME.csv beside the figure NAME."""

from collections.abc import Mapping

from ablate.results.dictionary import AXIS, COST, COUNTS, DIFFERENCE, MEAN, Dictionary

DRAWN: Mapping[str, Dictionary] = {
    "accuracy": {
        "cell": "the arm",
        "seed": "of the dot",
        "draw": "of the dot, where networks are sampled; in place of `seed`",
        "accuracy": "of that seed or draw, as a fraction",
        **MEAN,
        **DIFFERENCE,
        "seeds": "the fewer complete trials of the two arms that are compared",
    },
    "growth": {
        "match": "what is held equal, if anything",
        "group": "what sets these networks apart from others of the study; empty for all",
        "what": "arm for a mark, curve for a point of the curve, best for the best growth",
        "cell": "the arm, of a mark",
        "growth": "ratio of a stage's width to that of the stage before",
        "growth_low": "lower end of the best growth's 95% interval",
        "growth_high": "upper end of the best growth's 95% interval",
        **MEAN,
        "p_best": "p-value, of a mark, that no other arm is better",
    },
    "interaction": {AXIS: "the arm of the axis NAME; one such column an axis", **MEAN},
    "pareto": {
        "cell": "the arm",
        **MEAN,
        **{
            name: about
            for cost, known in {
                **COUNTS,
                "latency": "inference of one image within a batch, microseconds",
            }.items()
            for name, about in (
                (cost, known),
                (f"{cost}_front", "whether no other arm beats it in both accuracy and this cost"),
            )
        },
        "latency_low": "the latency at half an interquartile range more throughput",
        "latency_high": "the latency at half an interquartile range less throughput",
    },
    "stage_costs": {
        "cell": "the arm",
        "stage": "stem, stage 1, ..., head",
        "out_size": "height and width of what the stage puts out, pixels",
        **COUNTS,
    },
    "stage_shares": {
        "cell": "the arm",
        "stage": "stem, stage 1, ..., head",
        "macs": "its share of the network's multiply-accumulates, a fraction",
        "params": "its share of the parameters, a fraction",
        "activations": "its share of the activations, a fraction",
    },
    "curves": {
        "cell": "the arm",
        "epoch": "1 for the first",
        **MEAN,
        "quantity": "train_loss in nats, or val_accuracy_percent",
    },
    "mechanism_by_stage": {
        "quantity": "a column of `mechanism.csv`",
        "cell": "the arm",
        "stage": "stem, stage 1, ...",
        **MEAN,
    },
    "ranks": {
        "cell": "the arm",
        "rank": "1 for the most accurate of a seed",
        "share": "fraction of seeds in which the arm had that rank; a tie counts in parts",
    },
    "edf": {
        "arm": "of the first axis",
        "n": "complete trials",
        "error": "test error of a trial, as a fraction",
        "share": "fraction of the arm's trials with at most that error",
        "low": "lower end of the 95% band",
        "high": "upper end of the 95% band",
    },
    "learning_rates": {
        "cell": "the arm",
        "lr": "learning rate",
        **MEAN,
        "lost": "trials that did not complete; each counts as zero",
        "chosen": "whether the arm takes this rate",
    },
    "front": {
        "what": "explored, or confirmed",
        "net": "content hash of the network",
        "cell": "its name in the confirmation",
        "outcome": "of a confirmed network: val_accuracy or test_accuracy",
        "rank": "of an explored network: 1 for the front",
        COST: "the cost beside accuracy: macs, params, activations or latency (milliseconds)",
        **MEAN,
    },
    "hypervolume_by_budget": {
        "sampler": "whose search it is",
        "by": "networks, or train_macs",
        "at": "how many of these had been spent",
        **MEAN,
    },
    "differences": {
        "run": "study and data set of the run",
        "baseline": "of that run",
        "cell": "the arm",
        "n": "complete trials",
        "seeds": "the fewer complete trials of the two arms that are compared",
        **DIFFERENCE,
    },
    "forest": {
        "cell": "the arm",
        "baseline": "of all these runs",
        "run": "study and data set of the run",
        "dataset": "name of the dataset",
        "n": "the fewer complete trials of the two arms",
        "estimate": "difference from the baseline, as a fraction",
        "low": "lower end of its interval",
        "high": "upper end of its interval",
    },
    "macs_by_growth": {
        "growth": "ratio of a stage's width to that of the stage before",
        "stage": "stage 1, ...",
        "width": "channels",
        "out_size": "height and width of what the stage puts out, pixels",
        "layer_macs": "multiply-accumulates of one 3x3 layer within the stage",
        **COUNTS,
    },
}
