"""Intervals and tests for a handful of seeds: arrays in, numbers out.

May use: nothing of the package. Begin reading at `family`.

- `family`: comparisons of arms that hold together; every p-value, interval and finding is from it.
- `unpaired`: such comparisons of arms that have nothing to do with each other, however large.
- `surface`: a smooth surface through many networks; `power_law`: a time as a product of powers.
- `intervals`: intervals of means; `pooling`: one effect over several data sets.
- `images`: what the choice of test images adds to the uncertainty of the arms' means.
- `best`: the arms that may be the best.
- `optimum`: a curve through arms over growth, and where it is highest.
- `power`: what a number of seeds can show.
- `stopping`: what is settled at a look at growing data; `spending`: the error that a look may use.
- `stream`: proposals one by one, each kept, discarded or run again.
- `signed_rank`: a test that is repeated after each pair.
"""
