"""Rules for EXPORT DATA and LOAD DATA: rows to and from local files."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.translation import generate, raw
from sqlml.bigquery.types import duckdb_type
from sqlml.errors import NotSupportedError, OperationalError
from sqlml.source import Span
from sqlml.syntax.strings import string_value
from sqlml.syntax.tokens import TokenKind, tokenize

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_FORMATS = {"CSV": "csv", "JSON": "json", "NEWLINE_DELIMITED_JSON": "json", "PARQUET": "parquet"}
_SHARD = "000000000000"
"""What stands for `*` in the name of the one file that is written."""
_COMPRESSIONS = {"csv": ("GZIP", "NONE"), "json": ("GZIP", "NONE"), "parquet": ("SNAPPY", "GZIP", "ZSTD", "NONE")}
_SEPARATORS = {"\\t": "\t", "tab": "\t"}


def export(node: exp.Export, work: Translating) -> exp.Expr:
    """EXPORT DATA into one local file; an existing one is an error unless `overwrite` says otherwise."""
    options = _options(node.args["options"])
    form = _FORMATS.get(options.pop("format", "").upper())
    uri = options.pop("uri", None)
    if form is None or uri is None:
        raise work.refuse(node, "EXPORT DATA needs a uri, and format CSV, JSON or PARQUET")
    path = _local(uri, node, work).replace("*", _SHARD)
    overwrites = _is_true(options.pop("overwrite", "false"))
    if work.context.has_database:
        work.context.check_file(path, True)
        if not overwrites and Path(path).expanduser().exists():
            raise OperationalError(
                f"the file {path} exists", code="file_exists", span=work.read.span_of(node), hint="overwrite = true writes over it"
            )
    settings = [f"FORMAT {form}"]
    if form == "csv":
        settings.append(f"HEADER {'true' if _is_true(options.pop('header', 'false')) else 'false'}")
        settings.append(f"DELIMITER {sql.literal(_separator(options.pop('field_delimiter', ',')))}")
    compression = options.pop("compression", "NONE").upper()
    if compression not in _COMPRESSIONS[form]:
        raise work.refuse(
            node, f"compression {compression} is not available for {form.upper()}", f"one of {', '.join(_COMPRESSIONS[form])}"
        )
    if compression != "NONE" or form == "parquet":
        settings.append(f"COMPRESSION {sql.literal('uncompressed' if compression == 'NONE' else compression.lower())}")
    for name in options:
        raise work.refuse(node, f"EXPORT DATA has no option {name} here")
    return raw(f"COPY ({generate(node.this)}) TO {sql.literal(path)} ({', '.join(settings)})")


def load(node: exp.LoadData, work: Translating) -> exp.Expr:
    """LOAD DATA from local files into a table, which is made where it is not there."""
    files = node.args["files"]
    if not isinstance(files, exp.Expr):
        raise work.refuse(node, "LOAD DATA needs FROM FILES", "LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['a.csv'])")
    options = _options(files)
    form = _FORMATS.get(options.pop("format", "").upper())
    uris = next((item.args["value"] for item in files.expressions if isinstance(item, exp.Property) and item.name.lower() == "uris"), None)
    options.pop("uris", None)
    given = re.findall(r"'((?:[^']|'')*)'", generate(uris)) if uris is not None else []
    if form is None or not given:
        raise work.refuse(node, "LOAD DATA needs uris, and format CSV, JSON or PARQUET")
    paths = [_local(uri.replace("''", "'"), node, work) for uri in given]
    if work.context.has_database:
        for path in paths:
            # A pattern may lead through links that lead elsewhere, so what it finds is looked at too.
            for found in [path, *(glob.glob(path, recursive=True) if any(c in path for c in "*?[") else [])]:  # noqa: PTH207 - as the engine
                work.context.check_file(found, False)
    words = _words(work)
    target = node.this
    columns = _columns(target) if isinstance(target, exp.Schema) else {}
    table = target.this if isinstance(target, exp.Schema) else target
    overwrites = bool(node.args.get("overwrite"))
    known = {} if overwrites else dict(work.context.describe(f"SELECT * FROM {generate(table)}"))
    types = columns or known
    empty_is_text = form == "csv" and not options.get("null_marker")
    reader = _reader(form, paths, options, types, is_hive="WITH PARTITION COLUMNS" in words, node=node, work=work)
    if "PARTITION BY" in words or "CLUSTER BY" in words:
        work.note("PARTITION BY and CLUSTER BY have no effect on what LOAD DATA brings")
    rows = f"SELECT {_items(types, empty_is_text=empty_is_text)} FROM {reader}"
    if known:
        return raw(f"INSERT INTO {generate(table)} {'' if form == 'csv' else 'BY NAME '}{rows}")
    head = "CREATE OR REPLACE " if overwrites else "CREATE "
    head += "TEMP " if re.match(r"LOAD DATA (?:INTO|OVERWRITE) TEMP", words) else ""
    return raw(f"{head}TABLE {generate(table)} AS {rows}")


def _words(work: Translating) -> str:
    """The statement's words in capitals, for clauses that the parser does not see."""
    return " ".join(token.text.upper() for token in tokenize(work.read.text, "bigquery"))


def _columns(schema: exp.Schema) -> dict[str, str]:
    found = {}
    for item in schema.expressions:
        if isinstance(item, exp.ColumnDef):
            kind = item.args["kind"]
            found[item.name] = (duckdb_type(kind) if isinstance(kind, exp.DataType) else generate(kind)) or "VARCHAR"
    return found


def _items(types: Mapping[str, str], *, empty_is_text: bool) -> str:
    """The columns with their types; a field of CSV that is empty is empty text, and NULL for other types."""
    if not types:
        return "*"
    items = []
    for name, kind in types.items():
        text = sql.quote(name)
        if empty_is_text and kind == "VARCHAR":
            text = f"COALESCE({text}, '')"
        items.append(f"CAST({text} AS {kind}) AS {sql.quote(name)}")
    return ", ".join(items)


def _reader(
    form: str, paths: list[str], options: dict[str, str], types: Mapping[str, str], *, is_hive: bool, node: exp.Expr, work: Translating
) -> str:
    settings = [f"[{', '.join(sql.literal(path) for path in paths)}]"]
    if is_hive:
        settings.append("hive_partitioning = true")
    if form == "csv":
        settings += _csv_settings(options, types)
    for name in options:
        raise work.refuse(node, f"LOAD DATA has no option {name} here")
    name = {"csv": "read_csv", "json": "read_json", "parquet": "read_parquet"}[form]
    return f"system.main.{name}({', '.join(settings)})"


def _csv_settings(options: dict[str, str], types: Mapping[str, str]) -> list[str]:
    settings = []
    skipped = options.pop("skip_leading_rows", None)
    n_skipped = int(skipped) if skipped is not None and skipped.isdigit() else 0
    if types:
        names = ", ".join(f"{sql.literal(name)}: 'VARCHAR'" for name in types)
        settings += [f"columns = {{{names}}}", "header = false", f"skip = {n_skipped}", "auto_detect = false"]
        settings.append(f"delim = {sql.literal(_separator(options.pop('field_delimiter', ',')))}")
        settings.append(f"quote = {sql.literal(options.pop('quote', chr(34)))}")
        settings.append("escape = '\"'")
    else:
        if skipped is not None:
            settings += [f"skip = {max(0, n_skipped - 1)}", f"header = {'true' if n_skipped else 'false'}"]
        if "field_delimiter" in options:
            settings.append(f"delim = {sql.literal(_separator(options.pop('field_delimiter')))}")
        if "quote" in options:
            settings.append(f"quote = {sql.literal(options.pop('quote'))}")
    if "null_marker" in options:
        settings.append(f"nullstr = {sql.literal(options.pop('null_marker'))}")
    if _is_true(options.pop("allow_jagged_rows", "false")):
        settings.append("null_padding = true")
    options.pop("allow_quoted_newlines", None)
    if options.get("encoding", "").upper() in {"UTF-8", "UTF8"}:
        del options["encoding"]
    return settings


def _separator(text: str) -> str:
    return _SEPARATORS.get(text.lower(), text)


def _is_true(text: str) -> bool:
    return text.lower() == "true"


def _options(properties: exp.Expr) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in properties.expressions:
        if isinstance(item, exp.FileFormatProperty):
            found["format"] = item.this.name
        elif isinstance(item, exp.Property):
            value = item.args["value"]
            text = value.name if isinstance(value, exp.Literal) else generate(value)
            number = re.fullmatch(r"CAST\((\d+) AS BIGINT\)", text)
            found[item.name.lower()] = number[1] if number is not None else text
    return found


def _place(uri: str, node: exp.Expr, work: Translating) -> Span:
    """Where a uri stands in the text."""
    for token in tokenize(work.read.text, "bigquery"):
        if token.kind is TokenKind.STRING and string_value(token.text, "bigquery") == uri:
            return token.span
    return work.read.span_of(node)


def _local(uri: str, node: exp.Expr, work: Translating) -> str:
    scheme = re.match(r"([A-Za-z][\w+.-]+)://", uri)
    if scheme is not None and scheme[1].lower() != "file":
        raise NotSupportedError(
            f"{scheme[0]} is not available", code="construct_not_supported", span=_place(uri, node, work), hint="name a local path"
        )
    return uri.removeprefix(scheme[0]) if scheme is not None else uri
