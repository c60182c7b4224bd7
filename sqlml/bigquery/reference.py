"""docs/bigquery.md, made of the table of translations and of the constructs.

python -m sqlml.bigquery.reference docs/bigquery.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from sqlml.bigquery.constructs import EXPRESSIONS, QUERIES, REFUSED, STATEMENTS, TYPES, Construct
from sqlml.bigquery.table import TOPICS
from sqlml.bigquery.translation import Translation

_LONGEST = 110
_HEAD = """\
# BigQuery's SQL on DuckDB

Made from the table of translations by `python -m sqlml.bigquery.reference docs/bigquery.md`; do not edit.

With `dialect='bigquery'` (`--dialect bigquery`, `SET sqlml.dialect = 'bigquery'`) statements are BigQuery's, and mean what they mean there. A construct
is translated by its rule, a function by its row below, and what has neither is an error that names it: nothing is passed on in the hope that DuckDB means
the same. `sqlml check FILE…` reads scripts without running them, and without the tables, and says what would not run.

The examples are tested: their values are those of BigQuery's documentation.
"""


def reference() -> str:
    """The document, with a line end behind it."""
    parts = [_HEAD]
    for title, constructs in (("Queries", QUERIES), ("Expressions", EXPRESSIONS), ("Statements", STATEMENTS)):
        parts.append(_section(title, ("construct", "example", "value", ""), [_construct(construct) for construct in constructs]))
    types = [(f"`{bigquery}`", f"`{duckdb}`", differs) for bigquery, duckdb, differs in TYPES]
    parts.append(_section("Types", ("BigQuery", "DuckDB", "differs"), types))
    refused = [(row.name, _code(row.example), row.instead) for row in REFUSED]
    parts.append(_section("Refused", ("construct", "for example", "instead"), refused))
    parts.append("## Functions\n")
    for topic, rows in TOPICS.items():
        cells = [_function(row) for row in sorted(rows, key=lambda row: row.name)]
        parts.append("#" + _section(topic, ("function", "example", "value", "differs"), cells))
    return "\n".join(parts)


def _construct(construct: Construct) -> tuple[str, ...]:
    example = construct.example
    if example is not None:
        return construct.name, _code(example.sql), _code(example.value), construct.says
    return construct.name, "; ".join(_code(statement) for statement in construct.statements[-1:]), "", construct.says


def _function(row: Translation) -> tuple[str, ...]:
    example = next((example for example in row.examples if len(example.sql) <= _LONGEST), row.examples[0])
    return _code(row.signature), _code(example.sql), _code(example.value), row.differs


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_row(header), _row(["---"] * len(header)), *(_row(cells) for cells in rows)]
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Text as code, on one line; the empty text as nothing."""
    flat = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if not flat:
        return ""
    fence = "``" if "`" in flat else "`"
    space = " " if fence == "``" or flat != flat.strip() else ""
    return f"{fence}{space}{flat}{space}{fence}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split(chr(10))).replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
