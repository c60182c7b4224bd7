"""Which common table expressions count at a place of a statement."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlml.source import Span

_NAME = re.compile(r'"(?:[^"]|"")*"|\w+')


def visible_ctes(text: str, ctes: Sequence[Span]) -> list[Span]:
    """The definitions that count: of two with one name the inner, later one."""
    by_name: dict[str, Span] = {}
    for span in ctes:
        definition = text[span.start : span.end]
        name = _NAME.match(definition)
        by_name[name[0].strip('"').casefold() if name else definition] = span
    return list(by_name.values())


_HEAD = re.compile(r"\s*(\w+|`[^`\\.]+`)\s+AS\s*\(", re.IGNORECASE)


def split_cte(text: str, span: Span) -> tuple[str, Span] | None:
    """The name, without quotes, and the query of a definition `name AS (query)`; None where it is written in another way."""
    head = _HEAD.match(text, span.start, span.end)
    if head is None or text[span.end - 1] != ")":
        return None
    return head[1].strip("`"), Span(head.end(), span.end - 1)
