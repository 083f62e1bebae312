"""`python -m ablate.run`: the same as `ablate run`."""

import sys

from ablate.cli.run import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.run"))
