"""Reads a `.test` file into records: DuckDB's sqllogictest format, with error codes, places, notices and tolerances.

    # a comment
    statement ok
    CREATE TABLE t AS SELECT 1 AS a

    query IT rowsort
    SELECT a, 'x' FROM t
    ----
    1	x

    statement error unknown_option 2:11
    CREATE MODEL m
      OPTIONS (learn_rat = 0.5) AS SELECT 1 AS y
    ----
    did you mean learn_rate

Records are parted by empty lines. What each one means is `runner`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


class MalformedTest(Exception):
    """The file is not in the format; the message names the line."""


@dataclass(frozen=True)
class Ok:
    """`statement ok`."""

    line: int
    sql: str


@dataclass(frozen=True)
class Fails:
    """`statement error <code> [line:column]`, SQL, and after `----` texts that must occur in the error."""

    line: int
    sql: str
    code: str
    place: tuple[int, int] | None
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """`query <types> [rowsort] [header] [approx=<relative tolerance>]`, SQL, and after `----` the rows, tabs between values.

    Types: I whole number, R number, B boolean, T anything. With `header` the first row names the columns. An expected value
    `<REGEX>:…` is a pattern for the whole value, `(empty)` is the empty string.
    """

    line: int
    sql: str
    types: str
    rows: tuple[tuple[str, ...], ...]
    header: tuple[str, ...] | None = None
    is_sorted: bool = False
    approx: float | None = None


@dataclass(frozen=True)
class Notices:
    """`notice <code>` after a statement, with texts that must occur in the notice; `notice none`: it gave none."""

    line: int
    code: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Require:
    """`require <name>`: skips the file where it is not to be had. Names are Python packages, or "session" for a door that keeps one."""

    line: int
    name: str


@dataclass(frozen=True)
class Load:
    """`load <path> [readonly]`: another database file from here on."""

    line: int
    path: str
    read_only: bool


@dataclass(frozen=True)
class Reconnect:
    """`reconnect [readonly]`: closes and opens the database again."""

    line: int
    read_only: bool


@dataclass(frozen=True)
class Dialect:
    """`dialect <name>`: opens the database again in another SQL flavour."""

    line: int
    name: str


Record = Ok | Fails | Query | Notices | Require | Load | Reconnect | Dialect

_POSITION = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True)
class _Block:
    """The lines up to the next empty one; `line` is that of the first."""

    line: int
    words: tuple[str, ...]
    sql: str
    below: tuple[str, ...] | None
    """The lines after `----`, or None without it."""


def read_records(text: str) -> list[Record]:
    """The records of a file, loops unrolled.

    Raises: MalformedTest.
    """
    blocks = list(_blocks(text))
    records, rest = _read(blocks, 0, {}, inside_loop=False)
    assert rest == len(blocks)
    return records


def _read(blocks: list[_Block], index: int, values: dict[str, str], *, inside_loop: bool) -> tuple[list[Record], int]:
    records: list[Record] = []
    while index < len(blocks):
        block = blocks[index]
        match block.words:
            case ("foreach", name, first, *more):
                for value in (first, *more):
                    looped, end = _read(blocks, index + 1, {**values, name: value}, inside_loop=True)
                    records += looped
                index = end
            case ("endloop",) if inside_loop:
                return records, index + 1
            case _:
                records.append(_record(_filled(block, values)))
                index += 1
    if inside_loop:
        raise MalformedTest(f"line {blocks[-1].line}: foreach without endloop")
    return records, index


def _filled(block: _Block, values: dict[str, str]) -> _Block:
    def fill(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    below = None if block.below is None else tuple(map(fill, block.below))
    return _Block(block.line, tuple(map(fill, block.words)), fill(block.sql), below)


def _blocks(text: str) -> Iterator[_Block]:
    first = 0
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            if not lines and line.startswith("#"):
                continue
            if not lines:
                first = number
            lines.append(line.rstrip("\r"))
        elif lines:
            yield _block(first, lines)
            lines = []


def _block(first: int, lines: list[str]) -> _Block:
    below = None
    body = lines[1:]
    if "----" in body:
        cut = body.index("----")
        body, below = body[:cut], tuple(body[cut + 1 :])
    return _Block(first, tuple(lines[0].split()), "\n".join(body), below)


def _record(block: _Block) -> Record:
    match block.words:
        case ("statement", "ok") if block.sql and block.below is None:
            return Ok(block.line, block.sql)
        case ("statement", "error", code, *place) if block.sql and len(place) <= 1:
            return Fails(block.line, block.sql, code, _place(block, place), block.below or ())
        case ("query", types, *flags) if block.sql and block.below is not None:
            return _query(block, types, flags)
        case ("notice", code) if block.below is None:
            return Notices(block.line, code, tuple(block.sql.split("\n")) if block.sql else ())
        case ("require", name) if not block.sql:
            return Require(block.line, name)
        case ("load", path) if not block.sql:
            return Load(block.line, path, read_only=False)
        case ("load", path, "readonly") if not block.sql:
            return Load(block.line, path, read_only=True)
        case ("dialect", name) if not block.sql:
            return Dialect(block.line, name)
        case ("reconnect",) if not block.sql:
            return Reconnect(block.line, read_only=False)
        case ("reconnect", "readonly") if not block.sql:
            return Reconnect(block.line, read_only=True)
    raise MalformedTest(f"line {block.line}: not a record: {' '.join(block.words)}")


def _place(block: _Block, words: list[str]) -> tuple[int, int] | None:
    if not words:
        return None
    found = _POSITION.fullmatch(words[0])
    if found is None:
        raise MalformedTest(f"line {block.line}: a place is line:column, got {words[0]}")
    return int(found[1]), int(found[2])


@dataclass
class _Flags:
    is_sorted: bool = False
    has_header: bool = False
    approx: float | None = None
    unknown: list[str] = field(default_factory=list)


def _query(block: _Block, types: str, words: list[str]) -> Query:
    flags = _Flags()
    for word in words:
        match word.split("="):
            case ("rowsort",):
                flags.is_sorted = True
            case ("header",):
                flags.has_header = True
            case ("approx", number):
                flags.approx = float(number)
            case _:
                flags.unknown.append(word)
    if flags.unknown or not re.fullmatch("[IRBT]+", types):
        raise MalformedTest(f"line {block.line}: not a query: {' '.join(block.words)}")
    rows = [tuple(line.split("\t")) for line in block.below or ()]
    for row in rows:
        if len(row) != len(types):
            raise MalformedTest(f"line {block.line}: {len(types)} columns are declared and a row has {len(row)}: {row}")
    header = rows.pop(0) if flags.has_header and rows else None
    return Query(block.line, block.sql, types, tuple(rows), header, flags.is_sorted, flags.approx)
