"""One trial: a network is trained, measured and timed.

Knows nothing of studies, queues and tables. May use: networks, data, spec, errors, files, bits,
processes.

- `trial`: a `TrialSpec` becomes an `Outcome`. Begin reading here.
- `outcome`: what a trial gives.
- `loop`: the training loop; `optimizer`: what it updates the weights by, and their average.
- `checkpoint`: the state on disk after each epoch.
- `execution`: how a network is run: device, threads, memory format, compilation.
- `mechanism`: what a trained network has learned, stage by stage.
- `machine`: what made a row: device, versions, commit.
- `throughput`: images/s of all arms against each other; `timing`, `workload`: how it is timed, and
  what.
- `memory_format`, `cpu_split`: probes that choose the layout, and processes against threads.
"""
