"""`python -m ablate.worker`: the same as `ablate worker`."""

import sys

from ablate.cli.machines.worker import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.worker"))
