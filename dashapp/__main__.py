"""`python -m dashapp`: every command of Bolt."""

import sys

from dashapp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
