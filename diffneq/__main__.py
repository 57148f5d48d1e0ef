"""`python -m diffneq` is the command `diffneq`."""

import sys

from diffneq.cli import main

if __name__ == "__main__":
    sys.exit(main())
