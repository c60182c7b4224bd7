"""What holds for every test."""

from __future__ import annotations

import os

# Before any library is loaded. Small problems gain nothing from threads, and on a busy machine those of XGBoost wait for each other: the same
# tests take seven times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
