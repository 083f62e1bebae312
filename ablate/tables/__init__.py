"""Tables that others measured, judged as a run of one's own is.

Reads a table and trains nothing; no torch, no Optuna. May use: analysis' words, results' files,
statistics and what is below them.

- `file`: a study file of kind `table`, read strictly. Begin reading here.
- `columns`: what its columns hold; parts of such a file.
- `source`: the table itself: CSV, Parquet or JSON lines, and its checksum.
- `cells`: what stands in them: numbers, and names in several spellings.
- `rows`: which of its rows are meant, and what each says: outcomes, arm or shape, budget.
- `shapes`: many networks: growths at equal budgets; `shape_verdict`: what that answers.
- `power`: run time over MACs and activations; `power_verdict`: what that answers.
- `describe`: a number by group, with no fit; `describe_verdict`: what that answers.
- `replies`: which predictions answer a question, and what those about groups come to.
- `stream`: rows that come one by one, and what is to be done after each.
- `arms/`: arms with repeats, compared; `dictionary`: what the columns hold that are left.
"""
