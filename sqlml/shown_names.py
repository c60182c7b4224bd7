"""Names of the user's as messages show them: in a form that can be typed back, since a hint is there to be followed.

Of two models `a` and `"a@1"`, `DROP MODEL a@1` means a version of the first one: whatever is no plain word stands in double quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlml.printable import printable

RESERVED = frozenset({
    "ALL", "AND", "ANY", "AS", "ASC", "CASE", "CAST", "CHECK", "COLUMN", "CREATE", "DEFAULT", "DESC", "DISTINCT", "DO", "ELSE",
    "END", "EXCEPT", "EXISTS", "FALSE", "FETCH", "FOR", "FROM", "GROUP", "HAVING", "IN", "INTERSECT", "INTO", "IS", "JOIN",
    "LATERAL", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER", "QUALIFY", "SELECT", "SET", "TABLE", "THEN", "TO",
    "TRUE", "UNION", "USING", "VALUES", "WHEN", "WHERE", "WINDOW", "WITH",
})  # fmt: skip
"""Words that begin a clause where a name could stand: taking one as a name would blame the wrong place."""

CLAUSE_WORDS = frozenset({"IF", "TYPE", "TYPES", "OPTIONS", "TRANSFORM", "INPUT", "OUTPUT", "REMOTE", "MODEL"})
"""Words that begin a clause where a name may stand, depending on what follows them."""

_LONGEST = 80
_SHOWN = 12


def typed_name(name: str) -> str:
    """A name as a statement takes it: in double quotes unless it is a plain word."""
    is_plain = name.isidentifier() and name.upper() not in RESERVED and name.upper() not in CLAUSE_WORDS
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def shown_name(name: str) -> str:
    """The same for a message: on one line, and with "…" in the middle where it is long; then it cannot be typed back."""
    # Cut before anything is written out: an escape is no longer than ten characters.
    whole = typed_name(name) if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[-_LONGEST // 2 + 1 :]}"
    return printable(whole)


def listed(names: Sequence[str], show: Callable[[str], str] = shown_name, *, at_most: int = _SHOWN) -> str:
    """Names with commas between them, and "…" behind them where there are more."""
    return ", ".join([*map(show, names[:at_most]), *(["…"] if len(names) > at_most else [])])
