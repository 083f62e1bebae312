"""`python -m ablate.profile`: the same as `ablate profile`."""

import sys

from ablate.cli.profile import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m ablate.profile"))
