"""JSON: reading values by path, arrays, types, conversions; of text in JSON as well as of type JSON."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.json_text import untyped_json_text
from sqlml.bigquery.translation import Call, Example, Translation

_STEP = re.compile(r"""\.(?P<name>[^\s."'\[\]*]+)|\."(?P<quoted>[^"]*)"|\['(?P<old>[^']*)'\]|\["(?P<older>[^"]*)"\]|\[(?P<index>\d+)\]""")
_NESTED = "('OBJECT', 'ARRAY')"
_CONVERTED = "makes numbers canonical: 1e3 becomes 1000.0"


def path(text: str) -> str | None:
    """A JSONPath of BigQuery as DuckDB writes it; None for one that is not understood."""
    if not text.startswith("$"):
        return None
    parts, at = ["$"], 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        name = next((step[group] for group in ("name", "quoted", "old", "older") if step[group] is not None), None)
        if name is not None and ('"' in name or "\\" in name):
            return None
        parts.append(f"[{step['index']}]" if name is None else f'."{name}"')
        at = step.end()
    return "".join(parts)


def _path(call: Call) -> str:
    if len(call) < 2:
        return "$"
    text = call.text(1)
    if text is None:
        call.refuse(f"the path of {call.name} must be written as text", "a path that is computed cannot be translated")
    found = path(text)
    if found is None:
        call.fail(f"{text} is no path that {call.name} takes", "write $, $.name, $.\"a name\", $['a name'] or $.list[0]")
    return found


def _json(call: Call) -> str:
    """The first argument, NULL for text that is no JSON."""
    value = "CAST(NULL AS VARCHAR)" if isinstance(call.arguments[0], exp.Null) else call.sql(0)
    return f"CASE WHEN system.main.typeof({value}) = 'JSON' OR system.main.json_valid({value}) THEN {value} END"


def _query(call: Call) -> str:
    """Of text there is text, of JSON there is JSON; JSON's null is NULL only for text."""
    value, place = _json(call), sql.literal(_path(call))
    found = f"CAST(system.main.json_extract({value}, {place}) AS VARCHAR)"
    null = f"CASE WHEN system.main.typeof({value}) = 'JSON' THEN {found} ELSE NULLIF({found}, 'null') END"
    return f"system.main.cast_to_type({null}, {value})"


def _value(call: Call) -> str:
    value, place = _json(call), sql.literal(_path(call))
    is_scalar = f"system.main.json_type({value}, {place}) NOT IN {_NESTED}"
    return f"CASE WHEN {is_scalar} THEN system.main.json_extract_string({value}, {place}) END"


def _elements(call: Call) -> tuple[str, str, str]:
    value, place = _json(call), _path(call)
    is_array = f"system.main.json_type({value}, {sql.literal(place)}) = 'ARRAY'"
    return value, is_array, f"system.main.json_extract({value}, {sql.literal(f'{place}[*]')})"


def _query_array(call: Call) -> str:
    value, is_array, elements = _elements(call)
    return f"system.main.cast_to_type(CASE WHEN {is_array} THEN CAST({elements} AS VARCHAR[]) END, [{value}])"


def _value_array(call: Call) -> str:
    """NULL where an element is no scalar."""
    _, is_array, elements = _elements(call)
    nested = f"system.main.len(system.main.list_filter({elements}, lambda e: system.main.json_type(e) IN {_NESTED}))"
    texts = f"system.main.list_transform({elements}, lambda e: system.main.json_extract_string(e, '$'))"
    return f"CASE WHEN {is_array} AND {nested} = 0 THEN {texts} END"


def parsed(value: str) -> str:
    """SQL (JSON) of text in JSON, its members in alphabetical order."""
    return f"CAST(system.main.json_normalize({value}) AS JSON)"


def _parse(call: Call) -> str:
    for argument in call.arguments[1:]:
        name = argument.this.name if isinstance(argument, exp.Kwarg | exp.PropertyEQ) else ""
        if name.lower() != "wide_number_mode":
            call.fail(f"PARSE_JSON has no argument {name or 'without a name'} in the second place", "write wide_number_mode => 'round'")
    return parsed(call.sql(0))


_TYPES = (
    "CASE system.main.json_type({0}) WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array' WHEN 'VARCHAR' THEN 'string'"
    " WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' WHEN NULL THEN NULL ELSE CASE WHEN {0} IS NOT NULL THEN 'number' END END"
)
_NUMBERS = "('BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT')"


def _strict(name: str, kinds: str, result: str, extra: str = "") -> str:
    """A conversion that takes one kind of JSON only."""
    text = "system.main.json_extract_string({0}, '$')"
    return (
        f"CASE WHEN {{0}} IS NULL THEN NULL WHEN system.main.json_type({{0}}) IN {kinds}{extra} THEN CAST({text} AS {result})"
        f" ELSE system.main.error('the JSON value is no {name}: ' || CAST({{0}} AS VARCHAR)) END"
    )


_WHOLE = " AND TRY_CAST(system.main.json_extract_string({0}, '$') AS DOUBLE) % 1 = 0"
_LAX_TEXT = "system.main.json_extract_string({0}, '$')"
_KIND = "system.main.json_type({0})"


def _lax_bool(call: Call) -> str:
    value = call.sql(0)
    text, kind = _LAX_TEXT.format(value), _KIND.format(value)
    return (
        f"CASE WHEN {kind} = 'BOOLEAN' OR ({kind} = 'VARCHAR' AND system.main.lower({text}) IN ('true', 'false'))"
        f" THEN CAST({text} AS BOOLEAN) WHEN {kind} IN {_NUMBERS} THEN TRY_CAST({text} AS DOUBLE) <> 0 END"
    )


def _lax_integer(call: Call) -> str:
    """Fractions are rounded, halves away from zero."""
    value = call.sql(0)
    text, kind = _LAX_TEXT.format(value), _KIND.format(value)
    return (
        f"CASE WHEN {kind} = 'BOOLEAN' THEN CAST(CAST({text} AS BOOLEAN) AS BIGINT) WHEN {kind} IN {_NUMBERS} OR {kind} = 'VARCHAR'"
        f" THEN COALESCE(CASE WHEN system.main.regexp_full_match({text}, '[+-]?\\d+') THEN TRY_CAST({text} AS BIGINT) END,"
        f" TRY_CAST(system.main.round(TRY_CAST({text} AS DOUBLE)) AS BIGINT)) END"
    )


_LAX_FLOAT = f"CASE WHEN {_KIND} IN ('BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT', 'VARCHAR') THEN TRY_CAST({_LAX_TEXT} AS DOUBLE) END"
_LAX_STRING = f"CASE WHEN {_KIND} NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN {_LAX_TEXT} END"


def _keys(call: Call) -> str:
    if len(call) == 1:
        call.refuse("JSON_KEYS of every depth is not available", "write JSON_KEYS(json, 1)")
    depth = call.sql(1)
    keys = f"system.main.list_sort(system.main.list_distinct(system.main.json_keys({call.sql(0)})))"
    return (
        f"CASE WHEN {depth} <> 1 THEN system.main.error('JSON_KEYS takes the depth 1 here')"
        f" WHEN system.main.json_type({call.sql(0)}) = 'OBJECT' THEN {keys} WHEN {call.sql(0)} IS NOT NULL THEN CAST([] AS VARCHAR[]) END"
    )


def _array(call: Call) -> str:
    texts = [f"CAST({untyped_json_text(value, wide_as_text=False)} AS JSON)" for value in call.sqls]
    return f"CAST(system.main.json_array({', '.join(texts)}) AS JSON)"


def _object(call: Call) -> str:
    if len(call) % 2:
        call.fail("JSON_OBJECT takes pairs of a key and a value")
    parts = []
    for index in range(0, len(call), 2):
        parts += [call.sql(index), f"CAST({untyped_json_text(call.sql(index + 1), wide_as_text=False)} AS JSON)"]
    return parsed(f"system.main.json_object({', '.join(parts)})")


_CLASS = """'{"class" : {"students" : [{"name" : "Jane"}, {"id" : 5}]}}'"""


def _without_nulls(call: Call) -> str:
    """Taken apart into text in quotes and single characters, so that nothing within quotes is taken for a null or a comma."""
    quoted = r'"(?:[^"\\]|\\.)*"'
    parts = f"system.main.regexp_extract_all(system.main.json_normalize({call.sql(0)}), '{quoted}:null|{quoted}|null|.')"
    kept = f"system.main.list_filter({parts}, lambda p: p <> 'null' AND NOT (system.main.starts_with(p, '\"') AND system.main.suffix(p, ':null')))"
    left = f"system.main.regexp_extract_all(system.main.array_to_string({kept}, ''), '{quoted}|,+[}}\\]]?|[{{\\[],*|.')"
    # A comma stays where something stands on both sides of it.
    closing = "CASE WHEN system.main.suffix(p, ',') THEN ',' ELSE system.main.right(p, 1) END"
    mended = (
        f"system.main.list_transform({left}, lambda p: CASE WHEN system.main.starts_with(p, ',') THEN {closing}"
        " WHEN system.main.starts_with(p, '[') OR system.main.starts_with(p, '{') THEN system.main.left(p, 1) ELSE p END)"
    )
    return f"CAST(COALESCE(NULLIF(system.main.array_to_string({mended}, ''), ''), CASE WHEN {call.sql(0)} IS NOT NULL THEN 'null' END) AS JSON)"


ROWS = (
    Translation(
        "JSON_STRIP_NULLS", "JSON_STRIP_NULLS(json)", _without_nulls,
        (
            Example("""JSON_STRIP_NULLS(JSON '{"a": null, "b": "c"}')""", '{"b":"c"}'), Example("JSON_STRIP_NULLS(JSON '[1, null, 2, null]')", "[1,2]"),
            Example("JSON_STRIP_NULLS(JSON '[1, null, 2, null, [null]]')", "[1,2,[]]"), Example("JSON_STRIP_NULLS(JSON 'null')", "null"),
            Example("""JSON_STRIP_NULLS(JSON '{"a": {"b": null}, "c": [null, null, 1], "d": null}')""", '{"a":{},"c":[1]}'),
            Example(r"""JSON_STRIP_NULLS(JSON '{":null": ",null,", "b\\"": null, "c": "x\\":null"}')""", r'{":null":",null,","c":"x\":null"}'),
            Example("JSON_STRIP_NULLS(CAST(NULL AS JSON))", "NULL"),
        ),
        differs="the other arguments of BigQuery are refused",
    ),
    *(
        Translation(
            name, f"{name}(json[, path])", _query,
            (
                Example(f"{name}({_CLASS}, '$')", '{"class":{"students":[{"name":"Jane"},{"id":5}]}}'),
                Example(f"{name}({_CLASS}, '$.class.students[0]')", '{"name":"Jane"}'),
                Example(f"{name}({_CLASS}, '$.class.students[5]')", "NULL"),
                Example(f"""{name}('{{"a": null}}', '$.a')""", "NULL"), Example(f"""{name}('{{"a": null}}', '$.b')""", "NULL"),
                Example(f"""{name}(JSON '{{"a": null}}', '$.a')""", "null"), Example(f"{name}('no json', '$.a')", "NULL"),
                Example(f"""{name}('{{"a": "x"}}', '$.a')""", '"x"'), Example(f"{name}(NULL, '$.a')", "NULL"),
                special,
            ),
            arity=(1, 2), differs=_CONVERTED,
        )
        for name, special in (
            ("JSON_QUERY", Example("""JSON_QUERY('{"a.b": {"c": "world"}}', '$."a.b"')""", '{"c":"world"}')),
            ("JSON_EXTRACT", Example("""JSON_EXTRACT('{"a.b": {"c": "world"}}', "$['a.b']")""", '{"c":"world"}')),
        )
    ),
    *(
        Translation(
            name, f"{name}(json[, path])", _value,
            (
                Example(f"""{name}('{{"name" : "Jakob", "age" : "6" }}', '$.age')""", "6"),
                Example(f"""{name}(JSON '{{"name" : "Jakob", "age" : "6" }}', '$.name')""", "Jakob"),
                Example(f"""{name}('{{"fruits": ["apple", "banana"]}}', '$.fruits')""", "NULL"),
                Example(f"""{name}('{{"a": null}}', '$.a')""", "NULL"), Example(f"""{name}('{{"a": true}}', '$.a')""", "true"),
                Example(f"""{name}('{{"a": 1.0}}', '$.a')""", "1.0"), Example(f"""{name}('"x"')""", "x"), Example(f"{name}('{{', '$.a')", "NULL"),
                special,
            ),
            arity=(1, 2), differs=_CONVERTED,
        )
        for name, special in (
            ("JSON_VALUE", Example("""JSON_VALUE('{"a.b": {"c": "world"}}', '$."a.b".c')""", "world")),
            ("JSON_EXTRACT_SCALAR", Example("""JSON_EXTRACT_SCALAR('{"a.b": {"c": "world"}}', "$['a.b'].c")""", "world")),
        )
    ),
    *(
        Translation(
            name, f"{name}(json[, path])", _query_array,
            (
                Example(f"{name}('[1, 2, 3]')", "[1, 2, 3]"),
                Example(f"""{name}('{{"fruits":["apples","oranges"]}}', '$.fruits')""", '["apples", "oranges"]'),
                Example(f"""{name}('{{"fruits":[]}}', '$.fruits')""", "[]"), Example(f"""{name}('{{"a": "foo"}}', '$.a')""", "NULL"),
                Example(f"""{name}(JSON '{{"a":[{{"b":1}}]}}', '$.a')""", '[{"b":1}]'), Example(f"{name}('}}}}', '$.a')", "NULL"),
            ),
            arity=(1, 2), differs=_CONVERTED,
        )
        for name in ("JSON_QUERY_ARRAY", "JSON_EXTRACT_ARRAY")
    ),
    *(
        Translation(
            name, f"{name}(json[, path])", _value_array,
            (
                Example(f"""{name}('["apples", "oranges"]')""", "[apples, oranges]"),
                Example(f"""{name}('{{"a":[1, true, "x"]}}', '$.a')""", "[1, true, x]"),
                Example(f"""{name}('{{"a":[{{"b": 1}}]}}', '$.a')""", "NULL"), Example(f"""{name}('{{"a":[]}}', '$.a')""", "[]"),
                Example(f"""{name}('{{"a": "foo"}}', '$.a')""", "NULL"),
            ),
            arity=(1, 2), differs="NULL elements may stand in a result, where BigQuery reports an error",
        )
        for name in ("JSON_VALUE_ARRAY", "JSON_EXTRACT_STRING_ARRAY")
    ),
    Translation(
        "PARSE_JSON", "PARSE_JSON(text[, wide_number_mode => mode])", _parse,
        (
            Example("""PARSE_JSON('{"coordinates": [10, 20], "id": 1}')""", '{"coordinates":[10,20],"id":1}'),
            Example("""PARSE_JSON('{"id": 9.5}', wide_number_mode => 'round')""", '{"id":9.5}'), Example("PARSE_JSON(NULL)", "NULL"),
            Example("SAFE.PARSE_JSON('{')", "NULL"),
        ),
        arity=(1, 2), differs="a number that FLOAT64 cannot hold is rounded or kept as it is, whatever the mode",
    ),
    Translation(
        "TO_JSON_STRING", "TO_JSON_STRING(x[, pretty_print])", lambda call: untyped_json_text(call.sql(0)),
        (
            Example("TO_JSON_STRING(9007199254740993)", '"9007199254740993"'), Example("TO_JSON_STRING(1.0)", "1"),
            Example("TO_JSON_STRING(NULL)", "null"), Example("TO_JSON_STRING('a\"b')", r'"a\"b"'),
            Example("TO_JSON_STRING(TIMESTAMP '2017-03-06 12:34:56.789012+00')", '"2017-03-06T12:34:56.789012Z"'),
            Example("TO_JSON_STRING([1, NULL])", "[1,null]"), Example("TO_JSON_STRING(NUMERIC '123.56')", '"123.56"'),
        ),
        arity=(1, 2), differs="fields of a STRUCT without a name are called _field_1 and so on",
    ),
    Translation(
        "TO_JSON", "TO_JSON(x[, stringify_wide_numbers => condition])",
        lambda call: parsed(untyped_json_text(call.sql(0), wide_as_text=False)),
        (
            Example("TO_JSON(9007199254740993)", "9007199254740993"), Example("TO_JSON(DATE '2026-01-31')", '"2026-01-31"'),
            Example("TO_JSON(['a', 'b'])", '["a","b"]'), Example("TO_JSON(NULL)", "null"),
        ),
        arity=(1, 2),
    ),
    Translation(
        "JSON_TYPE", "JSON_TYPE(json)", _TYPES,
        (
            Example("JSON_TYPE(JSON '\"apple\"')", "string"), Example("JSON_TYPE(JSON '10')", "number"), Example("JSON_TYPE(JSON '3.14')", "number"),
            Example("JSON_TYPE(JSON 'null')", "null"), Example("JSON_TYPE(JSON '[]')", "array"), Example("JSON_TYPE(JSON '{}')", "object"),
            Example("JSON_TYPE(JSON 'false')", "boolean"), Example("JSON_TYPE(CAST(NULL AS JSON))", "NULL"),
        ),
    ),
    Translation(
        "JSON_KEYS", "JSON_KEYS(json, 1)", _keys, (Example("""JSON_KEYS(JSON '{"b": {"c": 1}, "a": 2}', 1)""", "[a, b]"),), arity=(1, 2),
        differs="only of depth 1",
    ),
    Translation(
        "JSON_ARRAY", "JSON_ARRAY(x, …)", _array,
        (Example("JSON_ARRAY(10, 'foo', NULL)", '[10,"foo",null]'), Example("JSON_ARRAY([1, 2])", "[[1,2]]")), arity=(1, 1000),
        differs="takes scalars, JSON and arrays of scalars",
    ),
    Translation(
        "JSON_OBJECT", "JSON_OBJECT(key, x, …)", _object,
        (Example("JSON_OBJECT('foo', 10, 'bar', TRUE)", '{"bar":true,"foo":10}'), Example("JSON_OBJECT('a', NULL)", '{"a":null}')), arity=(2, 1000),
        differs="takes scalars, JSON and arrays of scalars",
    ),
    Translation(
        "BOOL", "BOOL(json)", _strict("BOOL", "('BOOLEAN')", "BOOLEAN"),
        (
            Example("BOOL(JSON 'true')", "true"), Example("""BOOL(JSON_QUERY(JSON '{"vacancy": true}', '$.vacancy'))""", "true"),
            Example("SAFE.BOOL(JSON '1')", "NULL"),
        ),
    ),
    *(
        Translation(
            name, f"{name}(json)", _strict("INT64", _NUMBERS, "DOUBLE", _WHOLE).replace("AS DOUBLE) ELSE", "AS BIGINT) ELSE"),
            (Example(f"{name}(JSON '2005')", "2005"), Example(f"{name}(JSON '10.0')", "10"), Example(f"SAFE.{name}(JSON '1.5')", "NULL")),
        )
        for name in ("INT64", "INTEGER")
    ),
    *(
        Translation(
            name, f"{name}(json[, wide_number_mode => mode])", _strict("FLOAT64", _NUMBERS, "DOUBLE"),
            (Example(f"{name}(JSON '9.8')", "9.8"), Example(f"{name}(JSON '2')", "2.0"), Example(f"SAFE.{name}(JSON '\"strawberry\"')", "NULL")),
            arity=(1, 2),
        )
        for name in ("FLOAT64", "DOUBLE")
    ),
    Translation(
        "LAX_BOOL", "LAX_BOOL(json)", _lax_bool,
        (
            Example("LAX_BOOL(JSON 'true')", "true"), Example("LAX_BOOL(JSON '\"TRUE\"')", "true"), Example("LAX_BOOL(JSON '10')", "true"),
            Example("LAX_BOOL(JSON '0')", "false"), Example("LAX_BOOL(JSON '\"foo\"')", "NULL"),
        ),
    ),
    Translation(
        "LAX_INT64", "LAX_INT64(json)", _lax_integer,
        (
            Example("LAX_INT64(JSON '10')", "10"), Example("LAX_INT64(JSON '1.1')", "1"), Example("LAX_INT64(JSON '\"1.1\"')", "1"),
            Example("LAX_INT64(JSON 'true')", "1"), Example("LAX_INT64(JSON '\"foo\"')", "NULL"), Example("LAX_INT64(JSON '1.1e2')", "110"),
        ),
    ),
    *(
        Translation(
            name, f"{name}(json)", _LAX_FLOAT,
            (
                Example(f"{name}(JSON '9.8')", "9.8"), Example(f"{name}(JSON '\"10\"')", "10.0"), Example(f"{name}(JSON 'true')", "NULL"),
                Example(f"{name}(JSON '\"foo\"')", "NULL"),
            ),
        )
        for name in ("LAX_FLOAT64", "LAX_DOUBLE")
    ),
    Translation(
        "LAX_STRING", "LAX_STRING(json)", _LAX_STRING,
        (
            Example("LAX_STRING(JSON '\"purple\"')", "purple"), Example("LAX_STRING(JSON '10')", "10"), Example("LAX_STRING(JSON 'true')", "true"),
            Example("LAX_STRING(JSON '{}')", "NULL"),
        ),
    ),
)  # fmt: skip
