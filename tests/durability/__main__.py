"""The whole sweep of `damage`, or with --every 10 a tenth of it. The exit code is 1 when anything is found."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.__main__ import import_everything

from .damage import report, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.durability", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only an n-th of the damages, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    import_everything()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), every=given.every, seed=given.seed)
    sys.stdout.write(report(outcome, time.monotonic() - started))
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
