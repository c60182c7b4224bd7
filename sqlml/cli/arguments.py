"""The command line, read into one value. Nothing heavy is imported here: `sqlml --version` answers at once."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STDIN = "-"

_EPILOG = """\
Rows go to standard output, everything else to standard error. `sqlml run --help` tells how to run scripts,
`sqlml help` lists the ML functions and model types, `sqlml help ML.PREDICT` explains one.

exit codes: 0 done, 1 a statement failed, 2 wrong usage, 3 the database cannot be opened, 4 a bug in sqlml,
            130 cancelled by Ctrl-C, 141 the reader of standard output went away, 143 ended by SIGTERM
"""

_PARAM_HELP = """value of a parameter $NAME in the statements; repeatable. Numbers, true, false and null are read as such,
anything else is a string, and so is what stands in single quotes (code="'007'")"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the user asked for."""

    database: str
    commands: tuple[str, ...]
    """The texts of -c, in order."""
    script: str | None
    """A script's path, "-" for standard input, None for the shell or -c."""
    read_only: bool
    dialect: str
    format: str
    quiet: bool
    progress: bool
    parameters: dict[str, object] | None
    topic: str | None = None
    """The name whose page is asked for, "" for the list of all; None when something is to be run."""


def parse_arguments(arguments: Sequence[str], *, stdin_is_terminal: bool) -> Arguments:
    """Reads the command line; ends the process with a message when it is wrong, and after --help and --version."""
    if arguments and arguments[0] == "help":
        return _no_database(_help_parser().parse_args(arguments[1:]).topic)
    run = bool(arguments) and arguments[0] == "run"
    parser = _run_parser() if run else _parser()
    found = parser.parse_args(arguments[1:] if run else arguments)
    commands: tuple[str, ...] = () if run else tuple(found.command)
    database = found.database or ":memory:"
    script: str | None = None
    if run:
        script = found.script
    elif not commands and (database == STDIN or not stdin_is_terminal):
        script = STDIN
        database = ":memory:" if database == STDIN else database
    if database.lower().endswith(".sql"):
        parser.error(f"{database} is a script, not a database; to run it: sqlml run {database}")
    return Arguments(
        database=database,
        commands=commands,
        script=script,
        read_only=found.read_only,
        dialect=found.dialect,
        format=found.format,
        quiet=found.quiet,
        progress=not found.no_progress,
        parameters=dict(found.param) or None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sqlml", usage="sqlml [options] [DATABASE]\n       sqlml run SCRIPT [options]\n       sqlml help [NAME]", epilog=_EPILOG,
        description="BigQuery ML's SQL on DuckDB. Without -c opens a shell, or runs what comes on standard input.",
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument(
        "database", nargs="?", metavar="DATABASE", help="a DuckDB file (made when missing); without it, a database in memory"
    )
    parser.add_argument("-c", dest="command", action="append", default=[], metavar="SQL", help="run statements and leave; repeatable")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    _add_common(parser)
    return parser


def _run_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sqlml run", description="Runs a script up to its end or its first error.", allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("script", metavar="SCRIPT", help="a file of SQL statements; - for standard input")
    parser.add_argument("--database", metavar="DATABASE", help="a DuckDB file (made when missing); without it, a database in memory")
    _add_common(parser)
    return parser


def _help_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sqlml help", description="Explains an ML function or a model type.", allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("topic", nargs="?", default="", metavar="NAME", help="as in ML.PREDICT, predict, LINEAR_REG; without it, a list")
    return parser


def _no_database(topic: str) -> Arguments:
    return Arguments(
        database=":memory:", commands=(), script=None, read_only=False, dialect="duckdb", format="table", quiet=False, progress=False,
        parameters=None, topic=topic,
    )  # fmt: skip


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="open the database for reading; its models predict")
    parser.add_argument("--dialect", type=_dialect, default="duckdb", metavar="NAME", help="SQL flavour: duckdb")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how rows are written (default: table)")
    parser.add_argument("--param", type=_parameter, action="append", default=[], metavar="NAME=VALUE", help=_PARAM_HELP)
    parser.add_argument("--no-progress", action="store_true", help="show no progress of training")
    parser.add_argument("-q", "--quiet", action="store_true", help="show errors only: no progress, messages or notices")


def _dialect(name: str) -> str:
    if name.lower() == "bigquery":
        raise argparse.ArgumentTypeError("the bigquery flavour comes in a later release; ML statements read the same in duckdb's")
    if name.lower() != "duckdb":
        raise argparse.ArgumentTypeError(f"unknown flavour {name!r}; there is duckdb")
    return name.lower()


def _parameter(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    return name, _value(value)


def _value(text: str) -> object:
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?", text):
        return float(text)
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import sqlml

        sys.stdout.write(f"sqlml {sqlml.__version__}\n")  # exit(message=…) would write to standard error
        parser.exit()


def read_script(path: str, stdin: bytes | None = None) -> str:
    """The text of a script, line ends as they are (they may stand in a literal), without a byte-order mark.

    Raises: OSError; UnicodeDecodeError when it is not UTF-8.
    """
    data = Path(path).read_bytes() if stdin is None else stdin
    return data.decode("utf-8-sig")
