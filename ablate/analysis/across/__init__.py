"""Several runs: what they show together.

May use: the findings of a run, and what is below them.

- `comparison`: runs side by side; `pooled`: an effect over their data sets.
- `reproduction`: a run against the published one of the same study.
"""
