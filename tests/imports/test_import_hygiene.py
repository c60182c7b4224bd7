"""`import sqlml` and `sqlml --version` stay quick: they load no library that takes longer to import than they have."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

HEAVY = ["sklearn", "xgboost", "pandas", "scipy", "prompt_toolkit", "pygments", "rich", "sqlglot", "polars"]
LATE = ["duckdb", "pyarrow", "numpy"]
"""Every session needs these; importing sqlml does not."""


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded when the code has run."""
    script = f"import sys\n{code}\nimport json; print('\\n' + json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_sqlml() -> None:
    assert not loaded_after("import sqlml") & {*HEAVY, *LATE}


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_the_command_before_it_does_anything(argument: str) -> None:
    code = f"from sqlml.cli.main import main\ntry: main([{argument!r}])\nexcept SystemExit: pass"
    assert not loaded_after(code) & {*HEAVY, *LATE}


def test_a_plain_query_loads_no_learner() -> None:
    loaded = loaded_after("from sqlml.cli.main import main\nmain(['-c', 'SELECT 1'])")
    assert not loaded & {"sklearn", "xgboost", "pandas", "scipy", "prompt_toolkit", "polars"}
    assert "duckdb" in loaded


def test_connect_loads_no_learner() -> None:
    loaded = loaded_after("import sqlml\nsqlml.connect().execute('SELECT 1').fetchall()")
    assert not loaded & {"sklearn", "xgboost", "pandas", "scipy", "prompt_toolkit", "polars", "rich"}


def test_version_is_quick() -> None:
    """At most 150 ms of processor time: the clock on the wall would count what else the machine does."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "sqlml", "--version"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.150
