"""Intervals and tests for a handful of seeds: arrays in, numbers out.

May use: nothing of the package. Begin reading at `family`.

- `family`: comparisons of arms that hold together; every p-value, interval and finding is from it.
- `intervals`: intervals of means.
"""
