"""`python -m ablate.check`: the same as `ablate check`."""

import sys

from ablate.cli.check import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.check"))
