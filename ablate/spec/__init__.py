"""What a trial is: frozen, validated, hashable descriptions, and nothing that runs.

A `NetSpec` describes any residual network by per-stage tuples. "Doubling" is no property of a
network: it is `stage_widths`, a function that makes the tuple. May use: errors.

- `network`: the network. Begin reading here.
- `recipe`: how it is trained; `trial`: on what data, with which seed, and the trial's name.
- `choices`: what a field may be; `own`: a module of one's own in its place; `limits`: what a
  network cannot be.
"""
