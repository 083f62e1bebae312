"""Workers on other machines, as a cluster's own scheduler starts them.

May use: the queue, the worker and what is below them.

- `ray_workers`: tasks of a Ray cluster.
- `slurm`: an array of Slurm jobs; `slurm_job`: what each of them does.
"""
