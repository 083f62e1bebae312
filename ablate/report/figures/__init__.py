"""Figures: each function takes frames and returns a `Drawing`: a figure, its caption and its data.

Numbers come from the analysis. May use: analysis, results, and `html` for pictures.

- `of_run`: every figure of a run, by name. Begin reading here.
- `accuracy`: by arm; `pareto`: against cost; `growth`: over growth, with the best one.
- `interaction`: arms of two axes; `stages`: where networks spend; `curves`: learning curves.
- `mechanism`: measurements by stage; `rates`: over learning rates; `throughput`: by batch.
- `distributions`: errors and ranks; `comparison`: several runs; `front`: a search.
- `forest`: an effect over several data sets.
- `drawing/`: how figures look, what their marks say, and how they are saved.
"""
