"""The statements about models other than CREATE MODEL, and which statements are ours at all.

A statement is ours only where DuckDB has no meaning for it: `DESCRIBE model`, `SHOW model`, `DROP TABLE model` are about a table of that
name. The one exception is `SHOW MODELS`, which DuckDB would take for a table called models; `DESCRIBE models` still reaches that.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlml.errors import ProgrammingError
from sqlml.syntax.create_model import parse_create_model
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import parse_settings
from sqlml.syntax.move_model import parse_copy_model, parse_export_model, parse_import_model
from sqlml.syntax.names import is_name, parse_alias, parse_model_name, parse_name, parse_version, unquote
from sqlml.syntax.nodes import (
    AlterModelOptions,
    CopyModel,
    CreateModel,
    DescribeModel,
    DescribeModelType,
    DropAlias,
    DropModel,
    ExportModel,
    ImportModel,
    RefreshModel,
    RenameModel,
    SetAlias,
    SetDefaultVersion,
    ShowCreateModel,
    ShowModels,
    ShowModelTypes,
    ShowVersions,
    VerifyModel,
)
from sqlml.syntax.refresh_model import parse_refresh_model
from sqlml.syntax.strings import string_value
from sqlml.syntax.tokens import TokenKind

ModelStatement = (
    CreateModel
    | DropModel
    | AlterModelOptions
    | SetDefaultVersion
    | SetAlias
    | DropAlias
    | RenameModel
    | RefreshModel
    | VerifyModel
    | CopyModel
    | ExportModel
    | ImportModel
    | ShowModels
    | ShowVersions
    | ShowCreateModel
    | DescribeModel
    | ShowModelTypes
    | DescribeModelType
)


def is_model_statement(cursor: Cursor) -> bool:
    """Whether the statement at the cursor is one of ours, complete or not."""
    if cursor.at_word("CREATE"):
        ahead = 3 if _words_ahead(cursor, 1, "OR", "REPLACE") else 1
        if _word_ahead(cursor, ahead, "TEMP", "TEMPORARY"):
            ahead += 1
        return _word_ahead(cursor, ahead, "MODEL")
    if cursor.at_word("DROP", "ALTER", "REFRESH", "VERIFY", "EXPORT"):
        return _word_ahead(cursor, 1, "MODEL")
    if cursor.at_word("COPY", "IMPORT"):
        ahead = 3 if _words_ahead(cursor, 1, "OR", "REPLACE") else 1
        # `COPY model TO 'file'` and `COPY model FROM 'file'` are about a table.
        return _word_ahead(cursor, ahead, "MODEL") and is_name(cursor.peek(ahead + 1))
    if cursor.at_word("DESCRIBE", "DESC"):
        return _word_ahead(cursor, 1, "MODEL") and is_name(cursor.peek(2))
    if cursor.at_word("SHOW"):
        if _word_ahead(cursor, 1, "MODELS"):
            behind = cursor.peek(2)
            return behind is None or not behind.is_symbol(".")
        return (
            _words_ahead(cursor, 1, "VERSIONS", "FROM")
            or _words_ahead(cursor, 1, "CREATE", "MODEL")
            or (_word_ahead(cursor, 1, "MODEL") and is_name(cursor.peek(2)))
        )
    return False


def parse_model_statement(cursor: Cursor) -> ModelStatement:
    """Reads one of our statements, to its end.

    Raises: ProgrammingError `syntax_error`, `option_literal`; NotSupportedError `clause_not_supported`.
    """
    parsers: dict[str, Callable[[Cursor], ModelStatement]] = {
        "CREATE": parse_create_model, "DROP": _parse_drop, "ALTER": _parse_alter, "REFRESH": parse_refresh_model, "VERIFY": _parse_verify,
        "COPY": parse_copy_model, "EXPORT": parse_export_model, "IMPORT": parse_import_model, "SHOW": _parse_show,
    }  # fmt: skip
    return parsers.get(cursor.tokens[cursor.index].text.upper(), _parse_describe)(cursor)


def _parse_drop(cursor: Cursor) -> DropModel:
    start = cursor.index
    cursor.index += 2
    if_exists = cursor.accept_words("IF", "EXISTS")
    name = parse_model_name(cursor, versions=True)
    cursor.expect_end(hint="DROP MODEL takes one model" if cursor.at_symbol(",") else None)
    return DropModel(name, if_exists, cursor.span_from(start))


def _parse_verify(cursor: Cursor) -> VerifyModel:
    start = cursor.index
    cursor.index += 2
    name = parse_model_name(cursor, versions=True)
    cursor.expect_end()
    return VerifyModel(name, cursor.span_from(start))


def _parse_alter(cursor: Cursor) -> AlterModelOptions | SetDefaultVersion | SetAlias | DropAlias | RenameModel:
    start = cursor.index
    cursor.index += 2
    if_exists = cursor.accept_words("IF", "EXISTS")
    name = parse_model_name(cursor, versions=False)
    if cursor.accept_words("SET", "OPTIONS"):
        if not cursor.at_symbol("("):
            cursor.fail('"("')
        settings = cursor.brackets()
        if settings.at_end:
            settings.fail("the name of an option")
        options = parse_settings(settings)
        cursor.expect_end()
        return AlterModelOptions(name, if_exists, options, cursor.span_from(start))
    if cursor.accept_words("SET", "DEFAULT"):
        cursor.expect_word("VERSION")
        cursor.expect_symbol("=")
        version, version_span = parse_version(cursor)
        cursor.expect_end()
        return SetDefaultVersion(name, version, version_span, cursor.span_from(start), if_exists)
    if cursor.accept_words("SET", "ALIAS"):
        alias, alias_span = parse_alias(cursor)
        cursor.expect_symbol("=", hint="SET ALIAS champion = 3")
        version, version_span = parse_version(cursor)
        cursor.expect_end()
        return SetAlias(name, alias, alias_span, version, version_span, cursor.span_from(start), if_exists)
    if cursor.accept_words("DROP", "ALIAS"):
        alias, alias_span = parse_alias(cursor)
        cursor.expect_end()
        return DropAlias(name, alias, alias_span, cursor.span_from(start), if_exists)
    if cursor.accept_words("RENAME", "TO"):
        parts, span = parse_name(cursor, "model")
        if len(parts) > 1:
            raise ProgrammingError(
                "RENAME TO takes a name without a schema: the model stays in its own", code="syntax_error", span=span,
                hint="COPY MODEL … TO … makes a copy in another schema or database",
            )  # fmt: skip
        cursor.expect_end(hint="a version has no name of its own" if cursor.at_symbol("@") else None)
        return RenameModel(name, parts[0], span, cursor.span_from(start), if_exists)
    return cursor.fail("SET OPTIONS, SET DEFAULT VERSION, SET ALIAS, DROP ALIAS or RENAME TO")


def _parse_show(cursor: Cursor) -> ShowModels | ShowModelTypes | ShowVersions | ShowCreateModel:
    start = cursor.index
    cursor.take()
    if cursor.accept_words("VERSIONS", "FROM"):
        cursor.expect_word("MODEL", hint="SHOW VERSIONS FROM MODEL name")
        name = parse_model_name(cursor, versions=False)
        cursor.expect_end()
        return ShowVersions(name, cursor.span_from(start))
    if cursor.accept_words("CREATE", "MODEL"):
        name = parse_model_name(cursor, versions=True)
        cursor.expect_end()
        return ShowCreateModel(name, cursor.span_from(start))
    if cursor.accept_words("MODEL"):
        cursor.expect_word("TYPES", hint="DESCRIBE MODEL name shows one model, SHOW MODELS all of them")
        cursor.expect_end()
        return ShowModelTypes(cursor.span_from(start))
    cursor.take()
    schema = parse_name(cursor, "schema")[0] if cursor.accept_words("FROM") or cursor.accept_words("IN") else None
    pattern = _parse_pattern(cursor) if cursor.accept_words("LIKE") else None
    cursor.expect_end("FROM, LIKE or the end of the statement" if schema is None and pattern is None else "the end of the statement")
    return ShowModels(schema, pattern, cursor.span_from(start))


def _parse_describe(cursor: Cursor) -> DescribeModel | DescribeModelType:
    start = cursor.index
    cursor.index += 2
    behind = cursor.peek(1)
    if cursor.at_word("TYPE") and behind is not None and (behind.kind is TokenKind.STRING or is_name(behind)):
        cursor.take()
        token = cursor.take()
        value = string_value(token.text, cursor.dialect) if token.kind is TokenKind.STRING else unquote(token, cursor.dialect)
        if not value:
            raise ProgrammingError("expected a model type", code="syntax_error", span=token.span, hint="SHOW MODEL TYPES lists them")
        cursor.expect_end()
        return DescribeModelType(value, token.span, cursor.span_from(start))
    name = parse_model_name(cursor, versions=True)
    cursor.expect_end()
    return DescribeModel(name, cursor.span_from(start))


def _parse_pattern(cursor: Cursor) -> str:
    token = cursor.peek()
    pattern = string_value(token.text, cursor.dialect) if token is not None and token.kind is TokenKind.STRING else None
    if pattern is None:
        cursor.fail("a pattern in quotes", hint="SHOW MODELS LIKE 'churn%'")
    cursor.take()
    return pattern


def _word_ahead(cursor: Cursor, ahead: int, *words: str) -> bool:
    token = cursor.peek(ahead)
    return token is not None and token.is_word(*words)


def _words_ahead(cursor: Cursor, ahead: int, *words: str) -> bool:
    return all(_word_ahead(cursor, ahead + offset, word) for offset, word in enumerate(words))
