"""Where a training runs: engine, system, processor and memory, as texts for `VersionRecord.environment`."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from sqlml import sql
from sqlml.engines.engine import Engine


def environment(engine: Engine) -> dict[str, str]:
    """Names and values; what the system does not tell is left out."""
    ((version, threads),) = engine.rows(f"SELECT {sql.call('version')}, {sql.call('current_setting', sql.literal('threads'))}")
    found = {
        "engine": f"duckdb {str(version).removeprefix('v')}",
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        "processor": _processor(),
        "n_cpus": str(os.cpu_count() or ""),
        "memory_bytes": _memory_bytes(),
        "threads": str(threads),
    }
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # another system
    return platform.machine() if platform.system() == "Linux" else platform.processor() or platform.machine()


def _memory_bytes() -> str:
    try:
        return str(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return ""
