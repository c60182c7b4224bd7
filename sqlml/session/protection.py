"""Statements of the engine that would take the catalog apart: what writes to schema `sqlml`, and DROP SCHEMA over models.

The engine would do them without a word, and every version would be damaged or out of reach. A file that another tool has changed is the
business of `catalog.schema`, checksums and `sqlml doctor`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlml.catalog.tables import SCHEMA, TABLES
from sqlml.errors import Error, ProgrammingError
from sqlml.source import Source, Span
from sqlml.syntax.names import unquote
from sqlml.syntax.tokens import Token, TokenKind, tokenize

if TYPE_CHECKING:
    from sqlml.catalog.store import Catalog
    from sqlml.engines.engine import Engine

_OURS = frozenset(table.name for table in TABLES)
MAY_TOUCH = re.compile(rf"sqlml|\bschema\b|\b(?:{'|'.join(sorted(_OURS))})\b", re.IGNORECASE)
"""A text without one of these words is not looked at."""
_DEFINES = ("CREATE", "ALTER", "DROP", "COMMENT")
_SHOWN = 5
_PATH_PARTS = 3


def check_catalog_kept(source: Source, span: Span, dialect: str, engine: Engine, catalog: Catalog) -> None:
    """Refuses a statement of the engine that would change the catalog's tables, or drop a schema that has models.

    Raises: ProgrammingError `reserved_schema`, `schema_has_models`.
    """
    text = source.text[span.start : span.end]
    if not MAY_TOUCH.search(text):
        return
    tokens = tokenize(text, dialect)
    for first, path, place in _changed(tokens, dialect):
        where = Span(span.start + place.start, span.start + place.end)
        drops_schema = first.startswith("DROP") and first.endswith("SCHEMA")
        schema = path if first.endswith("SCHEMA") else path[:-1]
        if not schema and path[0].casefold() in _OURS:
            schema = [engine.current_schema()]
        if schema and schema[-1].casefold() == SCHEMA and not _is_database(path, schema, engine):
            raise ProgrammingError(
                f"schema {SCHEMA} holds the models, and only statements about models change it", code="reserved_schema", span=where,
                hint="DROP MODEL, ALTER MODEL and CREATE OR REPLACE MODEL do; the views in it can be read",
            )  # fmt: skip
        if drops_schema and (found := _models(path, engine, catalog)):
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise ProgrammingError(
                f"schema {path[-1]} has models: {', '.join(found[:_SHOWN])}{more}", code="schema_has_models", span=where,
                hint="DROP MODEL them first; CASCADE does not drop models",
            )  # fmt: skip


def _is_database(path: Sequence[str], schema: Sequence[str], engine: Engine) -> bool:
    """Whether `sqlml.t` means a table of an attached database of that name."""
    is_first = len(schema) == 1 and len(path) < _PATH_PARTS
    return is_first and not path[-1].startswith("_") and SCHEMA in {name.casefold() for name in engine.databases()}


def _models(path: Sequence[str], engine: Engine, catalog: Catalog) -> list[str]:
    """The names of the models in a schema; none where the catalog cannot be read."""
    current = engine.current_database()
    attached = {name.casefold(): name for name in engine.databases()}
    database = attached.get(path[-2].casefold(), current) if len(path) > 1 else current
    try:
        return [model.key.name for model in catalog.list_models(database, path[-1])]
    except Error:
        return []


def _changed(tokens: Sequence[Token], dialect: str) -> Iterator[tuple[str, list[str], Span]]:
    """What a statement changes: the words that say how, the path, and where it stands."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += token.is_symbol("(") - token.is_symbol(")")
        if depth or token.kind is not TokenKind.WORD:
            continue
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.is_word("UPDATE", "INTO", "TRUNCATE") or (token.is_word("DELETE") and following is not None and following.is_word("FROM")):
            start = index + 1
            while start < len(tokens) and tokens[start].is_word("FROM", "TABLE", "ONLY"):
                start += 1
            yield from _path(token.text.upper(), tokens, start, dialect)
        elif token.is_word(*_DEFINES) and (index == 0 or tokens[index - 1].is_word("EXPLAIN", "ANALYZE", "AS")):
            yield from _defined(tokens, index, dialect)
        elif token.is_word("COPY") and index == 0:
            found = next(_path("COPY", tokens, 1, dialect), None)
            end = next((at for at in range(1, len(tokens)) if tokens[at].is_word("FROM", "TO")), None)
            if found is not None and end is not None and tokens[end].is_word("FROM"):
                yield found


def _defined(tokens: Sequence[Token], first: int, dialect: str) -> Iterator[tuple[str, list[str], Span]]:
    """The paths between CREATE, ALTER or DROP and what the thing is made of."""
    kind = tokens[first].text.upper()
    is_schema = any(token.is_word("SCHEMA") for token in tokens[first + 1 : first + 5])
    index = first + 1
    while index < len(tokens) and not tokens[index].is_symbol("(") and not tokens[index].is_word("AS", "IS"):
        is_name = tokens[index].kind is TokenKind.QUOTED or (tokens[index].kind is TokenKind.WORD and not tokens[index].is_word(*_NO_NAME))
        if is_name:
            for _, path, place in _path(kind, tokens, index, dialect):
                yield f"{kind} SCHEMA" if is_schema else kind, path, place
                index += 2 * len(path) - 1
        else:
            index += 1


_NO_NAME = (
    "OR", "REPLACE", "TEMP", "TEMPORARY", "TABLE", "VIEW", "SCHEMA", "IF", "NOT", "EXISTS", "MACRO", "FUNCTION", "INDEX", "UNIQUE",
    "SEQUENCE", "TYPE", "TRIGGER", "ON", "BEFORE", "AFTER", "INSTEAD", "OF", "COLUMN", "CASCADE", "RESTRICT", "MATERIALIZED", "RECURSIVE",
    "EXTERNAL",
)  # fmt: skip


def _path(kind: str, tokens: Sequence[Token], start: int, dialect: str) -> Iterator[tuple[str, list[str], Span]]:
    parts: list[str] = []
    index = start
    while index < len(tokens) and tokens[index].kind in (TokenKind.WORD, TokenKind.QUOTED):
        name = unquote(tokens[index], dialect)
        parts += name.split(".") if tokens[index].text.startswith("`") else [name]
        if index + 1 >= len(tokens) or not tokens[index + 1].is_symbol("."):
            yield kind, parts, Span(tokens[start].span.start, tokens[index].span.end)
            return
        index += 2
