"""COPY, EXPORT and IMPORT MODEL: models from one database or folder to another.

COPY [OR REPLACE] MODEL name[@version] TO name
EXPORT MODEL name[@version] OPTIONS (uri = 'folder')
IMPORT [OR REPLACE] MODEL name OPTIONS (uri = 'folder')
"""

from __future__ import annotations

from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import parse_settings
from sqlml.syntax.names import parse_model_name
from sqlml.syntax.nodes import CopyModel, ExportModel, ImportModel, OptionSetting


def parse_copy_model(cursor: Cursor) -> CopyModel:
    """Raises: ProgrammingError `syntax_error`."""
    start = cursor.index
    replace = _parse_verb(cursor)
    source = parse_model_name(cursor, versions=True)
    cursor.expect_word("TO", hint="COPY MODEL churn TO other.churn")
    target = parse_model_name(cursor, versions=False)
    cursor.expect_end()
    return CopyModel(source, target, replace, cursor.span_from(start))


def parse_export_model(cursor: Cursor) -> ExportModel:
    """Raises: ProgrammingError `syntax_error`, `option_literal`."""
    start = cursor.index
    _parse_verb(cursor)
    name = parse_model_name(cursor, versions=True)
    options = _parse_options(cursor)
    return ExportModel(name, options, cursor.span_from(start))


def parse_import_model(cursor: Cursor) -> ImportModel:
    """Raises: ProgrammingError `syntax_error`, `option_literal`."""
    start = cursor.index
    replace = _parse_verb(cursor)
    name = parse_model_name(cursor, versions=False)
    options = _parse_options(cursor)
    return ImportModel(name, replace, options, cursor.span_from(start))


def _parse_verb(cursor: Cursor) -> bool:
    """Reads the verb and MODEL; gives whether OR REPLACE stands between them."""
    cursor.take()
    replace = cursor.accept_words("OR", "REPLACE")
    cursor.take()
    return replace


def _parse_options(cursor: Cursor) -> tuple[OptionSetting, ...]:
    if cursor.at_end:
        return ()
    cursor.expect_word("OPTIONS", hint="OPTIONS (uri = 'folder')")
    if not cursor.at_symbol("("):
        cursor.fail('"("')
    options = parse_settings(cursor.brackets())
    cursor.expect_end()
    return options
