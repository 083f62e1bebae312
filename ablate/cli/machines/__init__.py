"""The commands that bring many processes and machines to a study; as every command in `cli`.

May use: what `cli` may, and its `options` and `reporting`.

- `worker`: `ablate worker`, one worker; `slurm`: `ablate slurm`, many as a job array.
- `proxy`: `ablate proxy`, which stands between a storage and hundreds of workers.
"""
