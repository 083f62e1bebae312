"""Intervals and tests for a handful of seeds: arrays in, numbers out.

May use: nothing of the package. Begin reading at `intervals`.

- `intervals`: intervals of means, tests of paired differences.
- `pooling`: one effect over several data sets.
"""
