"""The command line, read into one value. Nothing heavy is imported here: `sqlml --version` answers at once."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlml.cli.check import CheckArguments
from sqlml.cli.doctor import DoctorArguments
from sqlml.errors import did_you_mean
from sqlml.settings import SETTINGS

STDIN = "-"

_USAGE = """sqlml [options] [DATABASE]
       sqlml run SCRIPT [options]
       sqlml doctor DATABASE [--repair] [--json]
       sqlml check FILE... [--dialect NAME] [--json]
       sqlml help [NAME]"""

_EPILOG = """\
Rows go to standard output, everything else to standard error. `sqlml run --help` tells how to run scripts,
`sqlml help` lists the ML functions and model types, `sqlml help ML.PREDICT` explains one.

exit codes: 0 done, 1 a statement failed, or check or the doctor found problems, 2 wrong usage, 3 the database cannot be opened,
            4 a bug in sqlml, 130 cancelled by Ctrl-C, 141 the reader of standard output went away, 143 ended by SIGTERM
"""

_PARAM_HELP = """value of a parameter $NAME in the statements; repeatable. Numbers, true, false and null are read as such,
anything else is a string, and so is what stands in single quotes (code="'007'")"""


_SET_HELP = """a setting, as in keep_versions=10; repeatable. It is stronger than SQLML_KEEP_VERSIONS in the environment and than the
configuration file; SHOW sqlml lists all of them"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the user asked for."""

    database: str
    commands: tuple[str, ...]
    """The texts of -c, in order."""
    script: str | None
    """A script's path, "-" for standard input, None for the shell or -c."""
    read_only: bool
    settings: dict[str, object]
    """Settings by name, checked."""
    format: str
    quiet: bool
    progress: bool
    parameters: dict[str, object] | None
    topic: str | None = None
    """The name whose page is asked for, "" for the list of all; None when something is to be run."""
    doctor: DoctorArguments | None = None
    """What `sqlml doctor` is asked; None for anything else."""
    check: CheckArguments | None = None
    """What `sqlml check` is asked; None for anything else."""


def parse_arguments(arguments: Sequence[str], *, stdin_is_terminal: bool) -> Arguments:
    """Reads the command line; ends the process with a message when it is wrong, and after --help and --version."""
    if arguments and arguments[0] == "help":
        return _no_database(_help_parser().parse_args(arguments[1:]).topic)
    if arguments and arguments[0] == "doctor":
        return replace(_no_database(None), doctor=_doctor(arguments[1:]))
    if arguments and arguments[0] == "check":
        return replace(_no_database(None), check=_check(arguments[1:]))
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
        settings=_settings(found),
        format=found.format,
        quiet=found.quiet,
        progress=not found.no_progress,
        parameters=dict(found.param) or None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sqlml", usage=_USAGE, epilog=_EPILOG,
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


def _doctor(arguments: Sequence[str]) -> DoctorArguments:
    parser = argparse.ArgumentParser(
        prog="sqlml doctor", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Examines every model version of a database and holds the log against what is stored. The file is only read.",
        epilog="exit codes: 0 healthy, 1 problems found, 2 wrong usage, 3 the database cannot be opened",
    )  # fmt: skip
    parser.add_argument("database", metavar="DATABASE", help="a DuckDB file")
    parser.add_argument(
        "--repair", action="store_true",
        help="remove what provably nothing can reach, and make views anew that are gone or changed; needs the file for itself",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="write the findings as JSON")
    parser.add_argument(
        "--keep-versions",
        type=_positive,
        metavar="N",
        help="tell which versions this retention would drop (default: the setting keep_versions)",
    )
    found = parser.parse_args(arguments)
    return DoctorArguments(found.database, repair=found.repair, as_json=found.json, keep_versions=found.keep_versions)


def _check(arguments: Sequence[str]) -> CheckArguments:
    parser = argparse.ArgumentParser(
        prog="sqlml check", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Reads scripts without running them, and without a database, and says what would not run.",
        epilog="exit codes: 0 all is fine, 1 problems found, 2 wrong usage or a file that cannot be read",
    )  # fmt: skip
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file of SQL statements; - for standard input")
    parser.add_argument(
        "--dialect", type=_dialect, default="bigquery", metavar="NAME", help="SQL flavour: bigquery (the default here) or duckdb"
    )
    parser.add_argument("--json", action="store_true", help="write the problems as JSON")
    found = parser.parse_args(arguments)
    return CheckArguments(tuple(found.files), found.dialect, as_json=found.json)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a positive whole number, got {text!r}")
    return int(text)


def _no_database(topic: str | None) -> Arguments:
    return Arguments(
        database=":memory:", commands=(), script=None, read_only=False, settings={}, format="table", quiet=False, progress=False,
        parameters=None, topic=topic,
    )  # fmt: skip


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="open the database for reading; its models predict")
    parser.add_argument("--dialect", type=_dialect, metavar="NAME", help="SQL flavour: duckdb or bigquery")
    parser.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help=_SET_HELP)
    parser.add_argument(
        "--allow-recorded-queries", action="store_true", help="let REFRESH and VERIFY run training queries that others recorded"
    )
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how rows are written (default: table)")
    parser.add_argument("--param", type=_parameter, action="append", default=[], metavar="NAME=VALUE", help=_PARAM_HELP)
    parser.add_argument("--no-progress", action="store_true", help="show no progress of training")
    parser.add_argument("-q", "--quiet", action="store_true", help="show errors only: no progress, messages or notices")


_DIALECTS = ("duckdb", "bigquery")


def _dialect(name: str) -> str:
    if name.lower() not in _DIALECTS:
        raise argparse.ArgumentTypeError(f"unknown flavour {name!r}; there are {' and '.join(_DIALECTS)}")
    return name.lower()


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    setting = SETTINGS.get(name.strip().lower())
    if setting is None:
        hint = did_you_mean(name, list(SETTINGS)) or f"there are {', '.join(SETTINGS)}"
        raise argparse.ArgumentTypeError(f"sqlml has no setting {name!r}; {hint}")
    try:
        return setting.name, _dialect(value) if setting.name == "dialect" else setting.type.from_text(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{setting.name} {error}, got {value!r}") from None


def _settings(found: argparse.Namespace) -> dict[str, object]:
    """The settings that the command line gives, in the order of their strength."""
    settings: dict[str, object] = {} if found.dialect is None else {"dialect": found.dialect}
    if found.allow_recorded_queries:
        settings["allow_recorded_queries"] = True
    return settings | dict(found.set)


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
