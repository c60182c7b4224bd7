"""Regular expressions: RE2's in both. Where nothing matches the result is NULL, which DuckDB gives as an empty text."""

from __future__ import annotations

import re

from sqlml.bigquery.translation import Call, Example, Translation


def _group(call: Call) -> str:
    """The capturing group that is meant: the only one, or all of the match."""
    pattern = call.text(1)
    if pattern is None:
        call.refuse(f"the pattern of {call.name} must be a literal", "its capturing groups have to be known")
    groups = len(re.findall(r"(?<!\\)(?:\\\\)*\((?!\?)|\(\?P?<", re.sub(r"\[(?:\\.|[^\]\\])*\]", "", pattern)))
    if groups > 1:
        call.fail(f"the pattern of {call.name} has {groups} capturing groups, it may have one", "write (?: … ) for the others")
    return str(groups)


def _extract(call: Call) -> str:
    value, pattern = call.sqls[:2]
    if len(call) == 2:
        found = f"system.main.regexp_extract({value}, {pattern}, {_group(call)})"
        return f"CASE WHEN system.main.regexp_matches({value}, {pattern}) THEN {found} END"
    position, occurrence = call.sql(2), call.sql(3) if len(call) > 3 else "CAST(1 AS BIGINT)"
    found = f"system.main.regexp_extract_all({_from(value, position)}, {pattern}, {_group(call)})"
    return f"{_checked(call.name, position, occurrence)} ELSE ({found})[{occurrence}] END"


def _from(value: str, position: str) -> str:
    return f"system.main.substring({value}, {position})"


def _checked(name: str, position: str, occurrence: str) -> str:
    return (
        f"CASE WHEN {position} <= 0 THEN system.main.error('the position of {name} must be positive')"
        f" WHEN {occurrence} <= 0 THEN system.main.error('the occurrence of {name} must be positive')"
        f" WHEN {position} IS NULL OR {occurrence} IS NULL THEN NULL"
    )


_BEFORE, _BEHIND = "\ue000", "\ue001"
"""Characters for private use, which are put around each match to see where it stands."""


def _instr(call: Call) -> str:
    if _group(call) != "0":
        call.refuse("REGEXP_INSTR with a capturing group is not available", "write (?: … ) for a group")
    value, pattern = call.sqls[:2]
    one = "CAST(1 AS BIGINT)"
    position, occurrence, behind = (call.sql(index) if len(call) > index else one for index in (2, 3, 4))
    behind = behind if len(call) > 4 else "CAST(0 AS BIGINT)"
    marked = f"system.main.regexp_replace({_from(value, position)}, {pattern}, '{_BEFORE}\\0{_BEHIND}', 'g')"
    parts = f"system.main.string_split({marked}, '{_BEFORE}')"
    before = f"system.main.length(system.main.array_to_string(({parts})[1:{occurrence}], '')) - ({occurrence} - 1)"
    match = f"system.main.length(system.main.split_part(({parts})[{occurrence} + 1], '{_BEHIND}', 1))"
    return (
        f"{_checked(call.name, position, occurrence)} WHEN {behind} NOT IN (0, 1)"
        f" THEN system.main.error('the last argument of REGEXP_INSTR is 0 or 1')"
        f" WHEN {value} IS NULL OR {pattern} IS NULL OR {behind} IS NULL THEN NULL"
        f" WHEN system.main.len({parts}) <= {occurrence} THEN 0"
        f" ELSE {position} + {before} + CASE WHEN {behind} = 1 THEN {match} ELSE 0 END END"
    )


def _extract_all(call: Call) -> str:
    value, pattern = call.sqls
    return f"system.main.regexp_extract_all({value}, {pattern}, {_group(call)})"


ROWS = (
    Translation(
        "REGEXP_CONTAINS", "REGEXP_CONTAINS(x, pattern)", "system.main.regexp_matches({0}, {1})",
        (
            Example(r"REGEXP_CONTAINS('foo@example.com', r'@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+')", "true"),
            Example("REGEXP_CONTAINS('a', '^b$')", "false"), Example("REGEXP_CONTAINS(NULL, 'a')", "NULL"),
        ),
        arity=(2, 2),
    ),
    *(
        Translation(
            name, f"{name}(x, pattern[, position[, occurrence]])", _extract,
            (
                Example(f"{name}('Hello Helloo and Hellooo', 'H?ello+', 1, 1)", "Hello"),
                Example(f"{name}('Hello Helloo and Hellooo', 'H?ello+', 1, 2)", "Helloo"),
                Example(f"{name}('Hello Helloo and Hellooo', 'H?ello+', 1, 3)", "Hellooo"),
                Example(f"{name}('Hello Helloo and Hellooo', 'H?ello+', 1, 4)", "NULL"),
                Example(f"{name}('Hello Helloo and Hellooo', 'H?ello+', 2)", "ello"),
                Example(f"{name}('Hello Helloo and Hellooo', 'H?ello+', 3, 1)", "Helloo"),
                Example(f"{name}('Hello', 'H?ello+', 20, 1)", "NULL"), Example(f"SAFE.{name}('a', 'a', 0)", "NULL"),
                Example(rf"{name}('foo@example.com', r'^[a-zA-Z0-9_.+-]+')", "foo"),
                Example(rf"{name}('foo@example.com', r'@[a-z]+\.([a-z]+)')", "com"), Example(f"{name}('a', 'b')", "NULL"),
            ),
            arity=(2, 4), differs="a group that takes no part in a match gives an empty text, where BigQuery gives NULL",
        )
        for name in ("REGEXP_EXTRACT", "REGEXP_SUBSTR")
    ),
    Translation(
        "REGEXP_EXTRACT_ALL", "REGEXP_EXTRACT_ALL(x, pattern)", _extract_all,
        (
            Example("REGEXP_EXTRACT_ALL('Try `func(x)` or `func(y)`', '`(.+?)`')", "[func(x), func(y)]"),
            Example("REGEXP_EXTRACT_ALL('a', 'b')", "[]"),
        ),
        arity=(2, 2),
    ),
    Translation(
        "REGEXP_INSTR", "REGEXP_INSTR(x, pattern[, position[, occurrence[, place]]])", _instr,
        (
            Example("REGEXP_INSTR('ab@cd-ef', '@[^-]*')", "3"), Example("REGEXP_INSTR('ab@d-ef', '@[^-]*', 1, 1, 1)", "5"),
            Example("REGEXP_INSTR('abc@cd@ef', '@[^@]*', 1, 2)", "7"), Example("REGEXP_INSTR('a@cd-ef b@cd-ef', '@[^-]*', 3)", "10"),
            Example("REGEXP_INSTR('abc', 'x')", "0"), Example("REGEXP_INSTR(NULL, 'x')", "NULL"), Example("REGEXP_INSTR('a@cd-ef b@cd-ef', '@[^-]*', 1, 2)", "10"),
        ),
        arity=(2, 5), differs="a pattern with a capturing group is refused",
    ),
    Translation(
        "REGEXP_REPLACE", "REGEXP_REPLACE(x, pattern, replacement)", "system.main.regexp_replace({0}, {1}, {2}, 'g')",
        (
            Example(r"REGEXP_REPLACE('# Heading', r'^# ([a-zA-Z0-9\s]+$)', '<h1>\\1</h1>')", "<h1>Heading</h1>"),
            Example("REGEXP_REPLACE('aab', 'a', 'x')", "xxb"),
        ),
        arity=(3, 3),
    ),
)  # fmt: skip
