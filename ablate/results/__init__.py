"""What lies in `results/STUDY/DATASET`: the tables, and their verification.

Made and checked without torch or Optuna. May use: study, networks, spec, files, bits, errors,
statistics.

- `names`: the names of all files there.
- `schema`: the columns of the trials table; `dictionary`: what the columns of every table hold;
  `drawn`: those of the values behind figures.
- `csv`: tables written whole and read again.
- `tables`: all tables of a run, from what was measured; `manifest`: its plan.
- `folder`: a run's folder as it is read again.
- `looks`: which comparisons are settled before all seeds are trained; `stopping`: which trials are
  then needed.
- `check`: every check of a run, which are in `checks/`.
- `outcomes`: what the complete trials came to, one row a seed.
- `published`: where the project's own runs lie.
"""
