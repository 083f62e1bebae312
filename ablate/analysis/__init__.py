"""Tables become findings: frames in, frames, numbers and sentences out.

No drawing, no torch, no Optuna. May use: results, statistics, study and what is below them.

- `findings`: all that one run shows. Begin reading here.
- `comparisons`: what a page compares, each once, judged as one family.
- `summary`: each arm's accuracy and its difference from the baseline.
- `hypotheses`: the verdicts on a study's predictions.
- `growth`: accuracy over growth, and the best growth; `factorial`: studies of several axes.
- `costs`: latency, Pareto fronts, the shares of stages.
- `distributions`: error distributions and ranks; `populations`: studies of sampled networks.
- `images`: which test images were classified correctly, for intervals over seeds and images.
- `means`: means over seeds, epoch by epoch, stage by stage, and over learning rates.
- `across/`: several runs: side by side, pooled, one's own against the published one.
- `planning`: what the planned seeds can show, before the run.
- `wording`: numbers in words and text tables; `latex`: a table for a paper.
- `verdicts/`: the answer as a person would say it.
"""
