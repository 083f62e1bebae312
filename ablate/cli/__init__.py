"""The command line: what is asked for is read here, and what goes wrong is said in one line.

One module a sub-command, each with `make_parser(prog)` and `main(argv, prog)`, which returns the
exit status: 0 done, 1 failed trials or faults, 2 bad input, 130 stopped. To give help none of them
loads torch, Optuna, pandas or pydantic. May use everything.

- `main`: `ablate`, which hands over to a sub-command.
- `run`: train a study, search for networks, check claims; `dry_run`: what that would do;
  `power`: what its seeds can show.
- `report`, `check`: make pages again from a run's tables; verify them.
- `profile`: a network's costs, stage by stage; `network_table`: its table;
  `elsewhere_table`: its predicted images a second.
- `export`: a trained network as a file that needs no ablate, or little.
- `machines/`: `worker`, `slurm`, `proxy`: many processes and machines.
- `tables/`: `judge`, and studies of kind `table`: what others measured.
- `list`, `new`: the study files there are; one more.
- `options`: what several of them share; `reporting`: exit statuses, signals, errors in one line.
"""
