"""Mutates statements of BigQuery's, and looks whether anything but an error of ours comes out, in time, with a place in the text.

    python tests/fuzz/bigquery_fuzzer.py --mutations 20000 --seed 1
    python tests/fuzz/bigquery_fuzzer.py --mutations 20000 --seed 1 --only 1234

The statements are those of `corpus_bigquery.sql` and the examples of the table of translations. A mutation is made of tokens: deleted, doubled,
swapped, replaced by or joined with others of the corpus, the end cut off, something put into many brackets. What fails is counted by the place in
the code, and shown with one text each.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from sqlml.bigquery.table import TOPICS
from sqlml.bigquery.translate import Context, find_problems, translate
from sqlml.errors import Error, InternalError
from sqlml.plan.check import check
from sqlml.source import Source
from sqlml.syntax import find_parameters, parse_script
from sqlml.syntax.tokens import tokenize

SECONDS = 2.0
"""What one mutation may take in one go through the reader."""
_CORPUS = Path(__file__).with_name("corpus_bigquery.sql")
_FORBIDDEN = re.compile(
    r"\x1b|ParseError|TokenType|token_type|sqlglot|\bexp\.|\bExpression\b|expressions\.|<class|Traceback|NoneType|Anonymous|__sqlml"
)
_BRACKETS = (
    ("(", ")"),
    ("[", "]"),
    ("STRUCT(", ")"),
    ("(SELECT ", ")"),
    ("IF(", ", 1, 2)"),
    ("CASE WHEN ", " THEN 1 END"),
    ("NOT ", ""),
    ("-", ""),
    ("f(", ")"),
    ("ARRAY<", ">"),
)
_GLUE = ("", " ", " ", " ", "\n", "\t", "--", "/*", "'", "`", '"', ";", "\\", "\x00", "é", "😀", "\ufeff", "@", "?")


class Failure(Exception):
    """What the fuzzer looks for, in words."""


def corpus() -> list[str]:
    """Statements to mutate."""
    statements = [text.strip() for text in re.split(r";[ \t]*\n", _CORPUS.read_text(encoding="utf-8").partition("\n")[2]) if text.strip()]
    examples = [example.sql for rows in TOPICS.values() for row in rows for example in row.examples]
    return statements + [f"SELECT {example}" for example in examples]


class Mutator:
    """Makes texts: the same seed and number give the same text."""

    def __init__(self, statements: list[str], seed: int) -> None:
        self._statements = statements
        self._seed = seed
        self._tokens = [[token.text for token in tokenize(text, "bigquery")] for text in statements]
        self._all = [token for tokens in self._tokens for token in tokens]

    def text(self, number: int) -> str:
        rng = random.Random(f"{self._seed}:{number}")
        parts = list(rng.choice(self._tokens))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
            self._change(parts, rng)
        text = " ".join(parts) if rng.random() < 0.7 else "".join(part + rng.choice((" ", " ", "\n", "")) for part in parts)
        if rng.random() < 0.15:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(_GLUE) + text[at + rng.choice((0, 0, 1)) :]
        return text

    def _change(self, parts: list[str], rng: random.Random) -> None:
        at = rng.randrange(len(parts)) if parts else 0
        end = min(len(parts), at + rng.choice((1, 1, 1, 2, 3, 8)))
        match rng.choice(("delete", "delete", "double", "swap", "replace", "replace", "insert", "insert", "cut", "nest", "join", "repeat")):
            case "delete":
                del parts[at:end]
            case "double":
                parts[at:at] = parts[at:end]
            case "swap" if parts:
                other = rng.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case "replace" if parts:
                parts[at] = rng.choice(self._all)
            case "insert":
                parts.insert(at, rng.choice(self._all))
            case "cut":
                del parts[at:]
            case "nest":
                opening, closing = rng.choice(_BRACKETS)
                depth = rng.choice((1, 2, 3, 30, 200))
                parts[at:end] = [opening * depth, *parts[at:end], closing * depth]
            case "join":
                other_parts = rng.choice(self._tokens)
                start = rng.randrange(len(other_parts))
                parts[at:end] = other_parts[start : start + rng.randrange(1, 20)]
            case "repeat":
                parts[at:end] = parts[at:end] * rng.choice((2, 3, 50))


def check_text(text: str) -> str:
    """Reads a text in every way that a session would.

    Returns: how that ended, in a word.
    Raises: Failure, or whatever else than an error of ours came out.
    """
    ended = "read"
    for look in (_translate, _problems, _parse, _parameters, _check):
        began = time.process_time()
        try:
            look(text)
        except InternalError:
            raise
        except Error as error:
            ended = error.code
            _check_error(error, text)
        seconds = time.process_time() - began
        if seconds > SECONDS:
            raise Failure(f"{look.__name__} took {seconds:.1f} seconds")
    return ended


def _translate(text: str) -> None:
    translate(text, Context())


def _problems(text: str) -> None:
    for error in find_problems(text, Context()):
        _check_error(error, text)


def _parse(text: str) -> None:
    parse_script(Source(text), "bigquery")


def _parameters(text: str) -> None:
    find_parameters(Source(text), None, "bigquery")


def _check(text: str) -> None:
    for problem in check(text, "bigquery"):
        _check_parts(problem.span.start, problem.span.end, problem.code, problem.message, problem.hint, text)
        str(problem)


def _check_error(error: Error, text: str) -> None:
    if error.span is None:
        raise Failure(f"an error without a place: {error.code}")
    _check_parts(error.span.start, error.span.end, error.code, error.message, error.hint, text)
    str(error.with_source(Source(text)))


def _check_parts(start: int, end: int, code: str, message: str, hint: str | None, text: str) -> None:
    if not 0 <= start <= end <= len(text):
        raise Failure(f"{code}: the place {start} to {end} is not in a text of {len(text)}")
    found = _FORBIDDEN.search(message.replace(text[start:end], "")) or _FORBIDDEN.search(hint or "")
    if found is not None and found[0] not in text:
        raise Failure(f"{code}: {found[0]!r} in the message: {message[:100]}")


@contextlib.contextmanager
def watchdog(seconds: int = 20) -> Iterator[None]:
    """Ends what does not end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Failure(f"did not end in {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def place_of(error: BaseException) -> str:
    """Where in our code a failure came from: equal places are one fault."""
    if isinstance(error, Failure):
        return re.sub(r"\d+(\.\d+)?", "n", str(error))[:90]
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if f"{os.sep}sqlml{os.sep}" in frame.filename]
    last = own[-1] if own else traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:60]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one mutation, with its traceback")
    arguments = parser.parse_args()
    mutator = Mutator(corpus(), arguments.seed)
    if arguments.only is not None:
        text = mutator.text(arguments.only)
        print(text)
        print(check_text(text))
        return 0
    ended: collections.Counter[str] = collections.Counter()
    failures: dict[str, list[int]] = {}
    slowest = (0.0, 0)
    for number in range(arguments.mutations):
        began = time.process_time()
        try:
            with watchdog():
                ended[check_text(mutator.text(number))] += 1
        except Exception as error:
            failures.setdefault(place_of(error), []).append(number)
        slowest = max(slowest, (time.process_time() - began, number))
    print(f"{arguments.mutations} mutations; slowest {slowest[0]:.2f} s (--only {slowest[1]})")
    print("ended as", dict(ended.most_common(20)))
    for place, numbers in sorted(failures.items(), key=lambda item: -len(item[1])):
        print(f"{len(numbers):6} {place}  --only {numbers[0]}: {mutator.text(numbers[0])[:160]!r}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
