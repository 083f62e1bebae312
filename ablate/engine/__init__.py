"""A plan becomes outcomes: a queue in a storage, processes, machines.

Knows Optuna as a storage. It ends with the tables, and knows nothing of the analysis. May use:
results, study, training and what is below them.

- `runner`: a study from start to end. Begin reading here.
- `preparation`: what is settled before: memory format, costs, throughput, how CPUs are split.
- `storage`: SQLite, PostgreSQL or Optuna's proxy; `queue`: trials claimed and ended once each;
  `lease`: who holds a trial, and until when; `exploring_queue`: the queue of a search; `attempts`:
  how trials stand there.
- `stop_rule`: what a worker must know to make a study's looks; `kept_looks`: those made so far.
- `supervisor`: one process a trial, watched over; `trial_process`: what that process does.
- `worker`: joins a study from any machine; `cluster/`: workers that Ray or Slurm starts.
- `weights`: what trials ended with, kept as safetensors (`--keep-weights`).
- `progress`: a bar on a terminal, plain lines elsewhere.
- `tracking/`: TensorBoard and MLflow.
"""
