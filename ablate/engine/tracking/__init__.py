"""Trials as they go, told to TensorBoard and MLflow; no trial waits for them or fails with them.

May use: engine's queue and storage.

- `trackers`: the logs that are wanted, each in a thread of its own.
- `log`: what is written of a trial, whatever the log.
- `tensorboard`, `mlflow`: the two logs.
"""
