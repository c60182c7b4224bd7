"""Runs alternatives in fresh processes, interleaved, and prints their ratios."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

_RUNNER = """
import json, resource, sys, time
sys.path[:0] = {paths!r}
import {module} as module
start = time.perf_counter()
result = module.{function}({database!r})
seconds = module.SECONDS.pop() if getattr(module, "SECONDS", None) else time.perf_counter() - start
print(json.dumps({{"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "result": result}}))
"""


def run(module: str, function: str, database: str) -> dict[str, float]:
    """One alternative in its own process."""
    here = Path(__file__).parent
    code = _RUNNER.format(paths=[str(here), str(here.parents[1])], module=module, function=function, database=database)
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(output.splitlines()[-1])
    return measured


def compare(module: str, alternatives: Mapping[str, str], database: str, repeats: int = 3) -> None:
    """Prints a table: seconds (median), ratio to the first alternative, peak memory, result."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in alternatives}
    for _ in range(repeats):
        for name, function in alternatives.items():
            runs[name].append(run(module, function, database))
    base = median(item["seconds"] for item in runs[next(iter(alternatives))])
    print(f"{'':44} {'seconds':>9} {'ratio':>6} {'peak MB':>8}  result")
    for name, items in runs.items():
        seconds = median(item["seconds"] for item in items)
        peak = median(item["peak_mb"] for item in items)
        print(f"{name:44} {seconds:9.3f} {seconds / base:6.2f} {peak:8.0f}  {items[-1]['result']}")
