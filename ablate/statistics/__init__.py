"""Intervals and tests for a handful of seeds: arrays in, numbers out.

May use: nothing of the package. Begin reading at `family`.

- `family`: comparisons of arms that hold together; every p-value, interval and finding is from it.
- `best`: the arms that may be the best.
- `optimum`: a curve through arms over growth, and where it is highest.
- `intervals`: intervals of means.
- `power`: what a number of seeds can show.
"""
