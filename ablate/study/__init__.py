"""A study file becomes a question, its cells (networks) and a plan of trials.

Nothing here trains or imports torch. May use: networks, data, spec, errors, files, statistics.

- `toml_file`: a TOML file read once, strictly: a fault is one line with the file and the key.
- `find`: where studies are looked for, and of which kind a file is.
- `file`: the tables that a study file may have.
- `words`: what it calls its axes and arms in a sentence.
- `layers`: settings in layers become a network or a recipe.
- `norms`: batches for which a norm would have a single value.
- `own`: modules of one's own that a file names.
- `recipes`: the recipe of each arm, where it sets one.
- `cells`: every combination of arms, brought to the study's budget.
- `draws`: instead of that, networks drawn at random for each arm.
- `plan`: the `Study` and its trials, each keyed by the hash of its description.
- `stop`: at how many seeds a study is looked at.
- `tuning`: the trials that tune each cell's learning rate first.
- `trial_json`: a trial's description as JSON, and back.
"""
