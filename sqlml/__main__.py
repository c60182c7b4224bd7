"""`python -m sqlml` is the command `sqlml`."""

from __future__ import annotations

import sys

from sqlml.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
