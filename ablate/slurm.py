"""`python -m ablate.slurm`: the same as `ablate slurm`."""

import sys

from ablate.cli.machines.slurm import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.slurm"))
