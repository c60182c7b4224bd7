"""`sqlml`: opens a database, then runs -c texts, a script or the shell, and says by its exit code how it went.

Standard output is data; standard error is everything said beside it. The libraries are loaded only once the command line has been read.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from sqlml.cli.arguments import STDIN, Arguments, parse_arguments, read_script
from sqlml.cli.check import run_check
from sqlml.cli.doctor import run_doctor
from sqlml.cli.exit_codes import ExitCode
from sqlml.errors import Error, InternalError

if TYPE_CHECKING:
    from sqlml.render.display import Display
    from sqlml.session.runs import RunningScript
    from sqlml.session.session import Session


_THREAD_SECONDS = 0.1
"""An idle worker ends in far less; one that computes on would not end in far more."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which stops the running statement as Ctrl-C does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: the arguments; None for those of this process, which is then left at once if a library's thread is still at work.
    Returns: an ExitCode. A wrong command line, --help and --version leave by SystemExit, as argparse does.
    """
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv, stdin_is_terminal=sys.stdin is not None and sys.stdin.isatty())
    with _sigterm_raises():
        code = _guarded(arguments)
    if argv is None and _has_busy_threads():
        # Ending the interpreter under a thread inside a C++ library aborts the process ("exception not rethrown").
        sys.stderr.flush()
        os._exit(code)
    return code


def _guarded(arguments: Arguments) -> ExitCode:
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more as it exits, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    except KeyboardInterrupt as interrupt:
        return ExitCode.TERMINATED if isinstance(interrupt, _Terminated) else ExitCode.CANCELLED
    except Exception as error:
        if os.environ.get("SQLML_DEBUG"):
            raise
        message = ascii(str(error))[1:-1]
        sys.stderr.write(f"internal error: {message}\nhint: this is a bug in sqlml; please report it with what SQLML_DEBUG=1 shows\n")
        return ExitCode.INTERNAL
    return code


def _has_busy_threads() -> bool:
    """Whether a cancelled statement's thread has not ended yet."""
    # A thread of the engine's that has called back into Python counts as a dummy one, which cannot be joined and ends with the engine.
    dummy = threading._DummyThread  # noqa: SLF001 - there is no public name for it
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread() and not isinstance(thread, dummy)]
    for thread in others:
        thread.join(_THREAD_SECONDS)
    return any(thread.is_alive() for thread in others)


def _run(arguments: Arguments) -> ExitCode:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character must not fail a statement
    if arguments.topic is not None:
        return _help(arguments.topic)
    if arguments.doctor is not None:
        return run_doctor(arguments.doctor)
    if arguments.check is not None:
        return run_check(arguments.check)
    try:
        texts = _texts(arguments)
    except OSError as error:
        return _usage(f"cannot read {arguments.script}: {error.strerror or error}")
    except UnicodeDecodeError as error:
        return _usage(f"{arguments.script} is not UTF-8 text (byte {error.start})")

    from sqlml.render.display import Display, Format
    from sqlml.render.terminal import Terminal
    from sqlml.session.session import open_session

    display = Display(Terminal(), output_format=Format(arguments.format), quiet=arguments.quiet, progress=arguments.progress)
    try:
        session = open_session(arguments.database, read_only=arguments.read_only, settings=arguments.settings, origin="command line")
    except Error as error:
        display.error(error)
        return ExitCode.CANNOT_OPEN
    try:
        if texts is None:
            from sqlml.shell.app import run_shell

            run_shell(session, display, database=arguments.database)
            return ExitCode.OK
        return _run_texts(session, display, texts, arguments)
    except KeyboardInterrupt:
        display.cancelled()
        raise
    finally:
        try:
            session.close()
        except Error as error:
            display.error(error)


def _help(topic: str) -> ExitCode:
    """Shows a page, or the list of all."""
    from sqlml.help.pages import find_page
    from sqlml.help.text import index_text, page_text

    try:
        text = page_text(find_page(topic)) if topic else index_text()
    except Error as error:
        return _usage(str(error))
    sys.stdout.write(f"{text}\n")
    return ExitCode.OK


def _texts(arguments: Arguments) -> list[tuple[str, str]] | None:
    """The texts to run with their names; None for the shell."""
    if arguments.commands:
        return [(command, "") for command in arguments.commands]
    if arguments.script == STDIN:
        return [(read_script(STDIN, sys.stdin.buffer.read()), "<stdin>")]
    if arguments.script is not None:
        return [(read_script(arguments.script), arguments.script)]
    return None


def _run_texts(session: Session, display: Display, texts: list[tuple[str, str]], arguments: Arguments) -> ExitCode:
    script = None if arguments.script is None else session.begin_script(texts[0][1])
    n_statements = 0
    ended_by: BaseException | None = None
    try:
        for text, name in texts:
            for outcome in session.run_each(text, arguments.parameters, name=name, on_event=display.on_event):
                display.outcome(session, outcome)
                n_statements += 1
    except Error as error:
        ended_by = error
        display.error(error)
        return ExitCode.INTERNAL if isinstance(error, InternalError) else ExitCode.STATEMENT_FAILED
    except BaseException as interruption:
        ended_by = interruption
        raise
    finally:
        if script is not None:
            _end_script(session, display, script, n_statements, ended_by)
    return ExitCode.OK


def _end_script(session: Session, display: Display, script: RunningScript, n_statements: int, ended_by: BaseException | None) -> None:
    """Has the script's row written; that it could not be is no failure of the script."""
    from sqlml.session.outcome import Notice

    try:
        session.end_script(script, n_statements, ended_by)
    except Error as error:
        display.notice(Notice("run_not_recorded", f"the run could not be recorded in sqlml.runs: {error.message}"))


def _usage(message: str) -> ExitCode:
    from sqlml.printable import printable_lines

    sys.stderr.write(f"sqlml: {printable_lines(message)}\n")
    return ExitCode.USAGE


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Lets SIGTERM end the command in order: the statement is cancelled, the database closed."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not on the main thread, where no signal arrives
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
