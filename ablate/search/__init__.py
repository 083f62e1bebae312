"""A search over networks: a space, samplers, a front, and its confirmation on test.

Knows Optuna's samplers and pruners. `file`, `space`, `plan`, `front`, `explored`, `baseline` and
`words` need neither Optuna nor torch, for the report reads with them. May use: engine, analysis and
what is below them.

- `file`: the tables of a search's file; `space`: what may vary; `plan`: the search on a dataset.
- `runner`: a search from start to end. Begin reading here.
- `queue`: its trials; `chain`: one sampler in one repeat; `samplers`: samplers by name.
- `front`: Pareto fronts and hypervolumes; `explored`: what a search leaves in its folder;
  `baseline`: what the baseline costs; `words`: what networks are called, what is to be known.
- `confirmation`: the study that tests its finalists with fresh seeds.
"""
