"""`python -m ablate.proxy`: the same as `ablate proxy`."""

import sys

from ablate.cli.machines.proxy import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.proxy"))
