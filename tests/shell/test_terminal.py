"""The whole command on a pseudo-terminal, as a person at a keyboard has it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ENDLESS = "SELECT count(*) FROM range(100_000_000) a, range(100_000) b WHERE a.range + b.range = 7;"


class Keyboard:
    """A command on a terminal: send keys, wait for what appears."""

    def __init__(self, folder: Path, term: str, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environment = {
            **os.environ,
            "TERM": term,
            "XDG_STATE_HOME": str(folder),
            "COLUMNS": "100",
            "LINES": "30",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sqlml", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""

    def send(self, keys: str) -> None:
        self.screen = ""
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 20.0) -> str:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.screen):
            if time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} in {self.screen!r}")
            if select.select([self._master], [], [], 0.05)[0]:
                try:
                    self.screen += os.read(self._master, 65536).decode(errors="replace")
                except OSError:  # the other end is closed
                    break
        return self.screen

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture(params=["xterm-256color", "dumb"])
def keyboard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keyboard]:
    keyboard = Keyboard(tmp_path, request.param)
    try:
        keyboard.wait_for("sqlml>")
        yield keyboard
    finally:
        keyboard.close()


def test_a_session_of_a_person(keyboard: Keyboard) -> None:
    keyboard.send("SELECT 40 + 2 AS answer,\r")
    keyboard.wait_for(r"\.\.\.>")
    keyboard.send("'x' AS x;\r")
    keyboard.wait_for(r"42 │ x[\s\S]*\(1 row\)[\s\S]*sqlml>")
    keyboard.send("SELECT * FROM nowhere;\r")
    keyboard.wait_for(r"error:[\s\S]*nowhere[\s\S]*\^[\s\S]*sqlml>")
    keyboard.send("\x04")
    assert keyboard.process.wait(10) == 0


def test_ctrl_c_cancels_what_runs(keyboard: Keyboard) -> None:
    keyboard.send(ENDLESS + "\r")
    time.sleep(0.7)
    started = time.monotonic()
    if keyboard.process.poll() is None:
        os.kill(keyboard.process.pid, signal.SIGINT)  # what the terminal's line discipline does for the foreground process
    keyboard.wait_for(r"cancelled[\s\S]*sqlml>")
    assert time.monotonic() - started < 1.5
    keyboard.send("SELECT 'still here' AS a;\r")
    keyboard.wait_for(r"still here[\s\S]*\(1 row\)")
    keyboard.wait_for("sqlml>")
    keyboard.send(".quit\r")
    assert keyboard.process.wait(10) == 0


def test_keys_of_the_editor(tmp_path: Path) -> None:
    keyboard = Keyboard(tmp_path, "xterm-256color")
    try:
        keyboard.wait_for("sqlml>")
        keyboard.send("SELECT 42 AS first;\r")
        keyboard.wait_for(r"42\r\n\(1 row\)[\s\S]*sqlml>")
        keyboard.send("SELECT 43 AS secon\x03")  # given up
        keyboard.wait_for("sqlml>[\\s\\S]*sqlml>")
        keyboard.send("\x1b[A")
        keyboard.wait_for("first")
        keyboard.send("\r")
        keyboard.wait_for(r"42\r\n\(1 row\)[\s\S]*sqlml>")
        keyboard.send("SELECT * FROM ml.predi\t")
        keyboard.wait_for("ML.PREDICT")
        keyboard.send("\x03\x04")
        assert keyboard.process.wait(10) == 0
    finally:
        keyboard.close()


def test_sigterm_ends_it_at_the_prompt(keyboard: Keyboard) -> None:
    time.sleep(0.3)  # Python notices a signal once it reads, which is a moment after the prompt
    keyboard.process.send_signal(signal.SIGTERM)
    assert keyboard.process.wait(10) == 143
