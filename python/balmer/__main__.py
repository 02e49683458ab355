"""`python -m balmer` is the `balmer` command."""

import sys

from balmer.cli import main

if __name__ == "__main__":
    sys.exit(main())
