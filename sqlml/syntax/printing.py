"""Nodes back to text: `parse(print(node)) == node` up to the spans. What the node holds as a span is taken from the source, as written."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable

from sqlml.source import Source, Span
from sqlml.sql import literal, quote
from sqlml.syntax.names import RESERVED
from sqlml.syntax.nodes import (
    AlterModelOptions,
    CreateModel,
    DescribeModel,
    DescribeModelType,
    DropModel,
    IntervalText,
    ModelName,
    OptionSetting,
    ParameterRef,
    Query,
    SetDefaultVersion,
    ShowCreateModel,
    ShowModels,
    ShowModelTypes,
    ShowVersions,
    Statement,
)
from sqlml.types import HparamCandidates, HparamRange

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLAUSE_WORDS = frozenset({"IF", "TYPE", "TYPES", "OPTIONS", "TRANSFORM", "INPUT", "OUTPUT", "REMOTE", "MODEL"})
"""Words that begin a clause where a name may stand, depending on what follows them."""


def print_statement(node: Statement, source: Source) -> str:
    """The statement as text in the DuckDB flavour, without ";".

    Args: source, the text the node was read from.
    """
    match node:
        case CreateModel():
            return _print_create(node, source)
        case DropModel(name, if_exists):
            return f"DROP MODEL {'IF EXISTS ' if if_exists else ''}{print_name(name)}"
        case AlterModelOptions(name, if_exists, options):
            return f"ALTER MODEL {'IF EXISTS ' if if_exists else ''}{print_name(name)} SET OPTIONS ({_print_options(options, ', ')})"
        case SetDefaultVersion():
            exists = "IF EXISTS " if node.if_exists else ""
            return f"ALTER MODEL {exists}{print_name(node.name)} SET DEFAULT VERSION = {_print_version(node.version)}"
        case ShowModels(schema, pattern):
            scope = f" FROM {_print_path(schema)}" if schema is not None else ""
            return f"SHOW MODELS{scope}" + (f" LIKE {literal(pattern)}" if pattern is not None else "")
        case ShowVersions(name):
            return f"SHOW VERSIONS FROM MODEL {print_name(name)}"
        case ShowCreateModel(name):
            return f"SHOW CREATE MODEL {print_name(name)}"
        case DescribeModel(name):
            return f"DESCRIBE MODEL {print_name(name)}"
        case ShowModelTypes():
            return "SHOW MODEL TYPES"
        case DescribeModelType(model_type):
            return f"DESCRIBE MODEL TYPE {literal(model_type)}"
        case Query(span=span):
            return _text(span, source)


def print_name(name: ModelName) -> str:
    """A model's name with its version, quoted where it must be."""
    return _print_path(name.parts) + ("" if name.reference is None else f"@{_print_version(name.reference)}")


def print_value(value: object) -> str:
    """A literal as OPTIONS takes it."""
    match value:
        case list():
            return "[" + _print_values(value) + "]"
        case tuple():
            # One value in brackets is that value, so short structs are spelled out.
            return f"({_print_values(value)})" if len(value) > 1 else f"STRUCT({_print_values(value)})"
        case HparamRange(low, high):
            return f"HPARAM_RANGE({print_value(low)}, {print_value(high)})"
        case HparamCandidates(values):
            return f"HPARAM_CANDIDATES([{_print_values(values)}])"
        case IntervalText(text):
            return text
        case ParameterRef(key):
            return "?" if isinstance(key, int) else f"${key}"
        case datetime.datetime() if value.tzinfo is not None:
            return f"TIMESTAMP '{value.astimezone(datetime.UTC).isoformat(sep=' ')}'"
        case float() if math.isfinite(value):
            return repr(value)
    return literal(value)


def _print_create(node: CreateModel, source: Source) -> str:
    lines = [f"CREATE {'OR REPLACE ' if node.replace else ''}MODEL {'IF NOT EXISTS ' if node.if_not_exists else ''}{print_name(node.name)}"]
    # A comment in a line of its own ends with the line, so what follows a text as written stands in the next.
    if node.transform is not None:
        lines.append(f"TRANSFORM ({_text(node.transform, source)}\n)")
    if node.options_span is not None:
        options = _print_options(node.options, ",\n  ")
        lines.append(f"OPTIONS ({options})")
    if node.query is not None:
        lines.append(f"AS {_text(node.query, source)}")
    return "\n".join(lines)


def _print_options(options: tuple[OptionSetting, ...], separator: str) -> str:
    return separator.join(f"{_print_part(option.name)} = {print_value(option.value.value)}" for option in options)


def _print_values(values: Iterable[object]) -> str:
    return ", ".join(print_value(value) for value in values)


def _print_version(version: int | str) -> str:
    return str(version) if isinstance(version, int) else _print_part(version)


def _print_path(parts: tuple[str, ...]) -> str:
    return ".".join(_print_part(part) for part in parts)


def _print_part(name: str) -> str:
    plain = _PLAIN_NAME.fullmatch(name) and name.upper() not in RESERVED and name.upper() not in _CLAUSE_WORDS
    return name if plain else quote(name)


def _text(span: Span, source: Source) -> str:
    return source.text[span.start : span.end]
