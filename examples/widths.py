"""Does doubling the width help? A small study from Python, start to end.

    python examples/widths.py FOLDER

It trains 12 small networks on scikit-learn's digits (about half a minute on two cores), says what
came out, and leaves tables, figures and a report in FOLDER.
"""

import sys
from pathlib import Path

import ablate

# What would be trained: each cell of the study is a network, and its costs are known beforehand.
study = ablate.load_study("width_doubling", "digits", seeds=4, epochs=4)
for cell in study.cells:
    cost = ablate.count(cell.net)
    print(f"{cell.name}: widths {cell.net.widths}, {cost.params:,} parameters, {cost.macs:,} MACs")

# Train it. The same line goes on where a run was stopped, and loads one that is done.
folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/example/digits")
run = ablate.run_study(study, folder, timing_seconds=0.1)

# The answer, the table for a paper, a figure, and the frames behind them.
print(run.verdict)
print(run.to_latex(caption=study.question))
run.plot("accuracy").savefig(folder / "for_the_paper.pdf")
print(run.trials.groupby("cell")["val_accuracy"].agg(["mean", "std", "count"]))

# The same networks by hand.
net = ablate.NetSpec(widths=ablate.stage_widths(16, "doubling", 3), depths=(3, 3, 3), shortcut="A")
assert ablate.count(net).params == 269_722  # ResNet-20, He et al. 2015, table 6
print(ablate.build(net).head)
