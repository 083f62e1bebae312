"""`python -m ablate.export`: the same as `ablate export`."""

import sys

from ablate.cli.export import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.export"))
