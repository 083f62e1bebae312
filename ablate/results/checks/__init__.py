"""The checks of a run, each a function from a run to remarks.

May use: the tables of a run, and what is below them.

- `rows`: the trials table in itself; `recipes`: by which recipe each trial was trained; `plan`: the
  trials against plan and storage.
- `files`: the other tables, and what was made of them; `remarks`: what a check has to say.
"""
