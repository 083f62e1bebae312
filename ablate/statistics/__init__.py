"""Intervals and tests for a handful of seeds: arrays in, numbers out.

May use: nothing of the package. Begin reading at `family`.

- `family`: comparisons of arms that hold together; every p-value, interval and finding is from it.
- `spending`: how much of the error each of several looks may use. `stopping`: what one settles.
- `intervals`: intervals of means.
"""
