"""Text: length, parts, case, trimming, search. Positions count from 1 and characters are Unicode's code points."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery import byte_text
from sqlml.bigquery.translation import Call, Example, Translation

_OF_COLUMNS = "of BYTES where the text shows that it is such: of a literal, of CAST AS BYTES, of a function"


def _length(call: Call) -> str:
    return (
        f"CASE WHEN system.main.typeof({call.sql(0)}) = 'BLOB' THEN system.main.octet_length(TRY_CAST({call.sql(0)} AS BLOB))"
        f" ELSE system.main.length(CAST({call.sql(0)} AS VARCHAR)) END"
    )


def _bytes_length(call: Call) -> str:
    return (
        f"CASE WHEN system.main.typeof({call.sql(0)}) = 'BLOB' THEN system.main.octet_length(TRY_CAST({call.sql(0)} AS BLOB))"
        f" ELSE CAST(system.main.strlen(CAST({call.sql(0)} AS VARCHAR)) AS BIGINT) END"
    )


def _concat(call: Call) -> str:
    """NULL where any part is, which DuckDB's own would skip."""
    return f"({' || '.join(call.sqls)})"


def _substr(call: Call) -> str:
    """From position 0 as from 1; a negative one counts from the end, and before the beginning means the beginning."""
    value, position = call.sqls[:2]
    length = call.sql(2) if len(call) > 2 else None
    of_bytes = byte_text.is_bytes(value)
    size = byte_text.size(value) if of_bytes else f"system.main.length({value})"
    start = f"CASE WHEN {position} = 0 THEN 1 WHEN {position} < 0 THEN system.main.greatest(1, {size} + {position} + 1) ELSE {position} END"
    if of_bytes:
        part = byte_text.part(value, start, length)
    else:
        part = f"system.main.substring({value}, {start}{'' if length is None else f', {length}'})"
    text = (
        f"CASE WHEN {position} IS NOT NULL THEN {part} END"
        if length is None
        else f"CASE WHEN {length} < 0 THEN system.main.error('the length of SUBSTR cannot be negative')"
        f" WHEN {position} IS NOT NULL AND {length} IS NOT NULL THEN {part} END"
    )
    return byte_text.of_digits(text) if of_bytes else text


def _pad(name: str) -> Translation:
    def render(call: Call) -> str:
        value, length = call.sqls[:2]
        filler = call.sql(2) if len(call) > 2 else "' '"
        return (
            f"CASE WHEN {length} < 0 THEN system.main.error('the length of {name} cannot be negative')"
            f" WHEN {filler} = '' THEN system.main.error('{name} cannot pad with nothing')"
            f" ELSE system.main.{name.lower()}({value}, CAST({length} AS INTEGER), {filler}) END"
        )

    padded = "    abc" if name == "LPAD" else "abc    "
    marked = "defdeabc" if name == "LPAD" else "abcdefde"
    return Translation(
        name, f"{name}(x, length[, pattern])", render,
        (Example(f"'[' || {name}('abc', 7) || ']'", f"[{padded}]"), Example(f"{name}('abc', 8, 'def')", marked), Example(f"{name}('abc', 2)", "ab")),
        arity=(2, 3),
    )  # fmt: skip


_SPACES = "' \t\n\r\f\v\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'"
"""What Unicode calls white space."""


def _trim(name: str, function: str, spaces: str, marks: str) -> Translation:
    def render(call: Call) -> str:
        characters = call.sql(1) if len(call) > 1 else _SPACES
        return f"system.main.{function}({call.sql(0)}, {characters})"

    return Translation(
        name, f"{name}(x[, characters])", render,
        (Example(f"'[' || {name}('  apple  ') || ']'", spaces), Example(f"{name}('***apple***', '*')", marks)), arity=(1, 2),
    )  # fmt: skip


def _split(call: Call) -> str:
    """Of an empty text one empty part; with an empty separator its characters."""
    value = call.sql(0)
    separator = call.sql(1) if len(call) > 1 else "','"
    return f"CASE WHEN {value} = '' THEN [''] ELSE system.main.string_split({value}, {separator}) END"


def _instr(call: Call) -> str:
    """From a position on, or from one that counts from the end backwards; occurrences may overlap."""
    value, part = call.sqls[:2]
    if len(call) == 2:
        return f"CASE WHEN {part} = '' THEN 0 ELSE system.main.instr({value}, {part}) END"
    position = call.sql(2)
    occurrence = call.sql(3) if len(call) > 3 else "CAST(1 AS BIGINT)"
    size, count = f"system.main.length({part})", f"system.main.length({value})"
    places = (
        f"system.main.list_filter(system.main.range(CAST(1 AS BIGINT), {count} - {size} + 2),"
        f" lambda __sqlml_i: system.main.substring({value}, __sqlml_i, {size}) = {part}"
        f" AND CASE WHEN {position} > 0 THEN __sqlml_i >= {position} ELSE __sqlml_i <= {count} + {position} + 1 END)"
    )
    return (
        f"CASE WHEN {position} = 0 THEN system.main.error('the position of INSTR cannot be 0')"
        f" WHEN {occurrence} <= 0 THEN system.main.error('the occurrence of INSTR must be positive')"
        f" WHEN {value} IS NULL OR {part} IS NULL OR {position} IS NULL OR {occurrence} IS NULL THEN NULL WHEN {part} = '' THEN 0"
        f" ELSE COALESCE(({places})[CASE WHEN {position} > 0 THEN {occurrence} ELSE -{occurrence} END], 0) END"
    )


def _edge(name: str, function: str, value: str, of_bytes: str) -> Translation:
    def render(call: Call) -> str:
        text, length = call.sqls
        is_bytes = byte_text.is_bytes(text)
        part = f"{byte_text.digits(text)}, 2 * {length}" if is_bytes else f"{text}, {length}"
        found = (
            f"CASE WHEN {length} < 0 THEN system.main.error('the length of {name} cannot be negative')"
            f" ELSE system.main.{function}({part}) END"
        )
        return byte_text.of_digits(found) if is_bytes else found

    return Translation(
        name, f"{name}(x, length)", render,
        (
            Example(f"{name}('banana', 3)", value), Example(f"{name}('ab', 9)", "ab"), Example(rf"{name}(b'\xab\xcd\xef\xaa\xbb', 3)", of_bytes),
            Example(f"SAFE.{name}(b'ab', -1)", "NULL"), Example(f"{name}(CAST('ab' AS BYTES), 9)", 'b"ab"'),
        ),
        arity=(2, 2), differs=_OF_COLUMNS,
    )  # fmt: skip


def _at_edge(name: str, function: str, argument: str, examples: tuple[Example, ...]) -> Translation:
    """Whether one begins or ends with the other; of BYTES their digits do."""

    def render(call: Call) -> str:
        texts = call.sqls
        if any(byte_text.is_bytes(text) for text in texts):
            texts = [byte_text.digits(text) for text in texts]
        return f"system.main.{function}({', '.join(texts)})"

    return Translation(name, f"{name}(x, {argument})", render, examples, arity=(2, 2), differs=_OF_COLUMNS)


def _reverse(call: Call) -> str:
    value = call.sql(0)
    if byte_text.is_bytes(value):
        return byte_text.reverse(value)
    return f"system.main.array_to_string(system.main.list_reverse(system.main.string_split({value}, '')), '')"


def _contains(call: Call) -> str:
    """Without regard to case, after the normal form that joins look-alikes (NFKC)."""
    folded = [f"system.main.lower(system.main.nfc_normalize(CAST({value} AS VARCHAR)))" for value in call.sqls]
    return f"system.main.contains({folded[0]}, {folded[1]})"


def _initcap(call: Call) -> str:
    """A word begins behind a delimiter: white space and most marks, or those that are given."""
    marks = r"\s\[\](){}/|<>!?@\"^#$&~_,.:;*%+\-"
    if len(call) > 1:
        given = call.text(1)
        if given is None:
            call.refuse("INITCAP with delimiters takes them as a literal")
        marks = re.sub(r"([\\\[\]^-])", r"\\\1", given)
    pattern = sql.literal(f"[^{marks}]+|[{marks}]+" if marks else "(?s).+")
    words = f"system.main.regexp_extract_all({call.sql(0)}, {pattern})"
    word = "system.main.upper(system.main.substring(w, 1, 1)) || system.main.lower(system.main.substring(w, 2))"
    return f"system.main.array_to_string(system.main.list_transform({words}, lambda w: {word}), '')"


def _normal_form(call: Call) -> str:
    mode = "NFC"
    if len(call) > 1:
        argument = call.arguments[1]
        mode = argument.name.upper() if isinstance(argument, exp.Column | exp.Var | exp.Identifier) else ""
    if mode != "NFC":
        call.refuse(f"{call.name} has only the form NFC here", f"write {call.name}(x, NFC)")
    return f"system.main.nfc_normalize({call.sql(0)})"


_NUMBERS_OF_LETTERS = ("1", "2", "3", "4", "5", "6")


def _soundex(call: Call) -> str:
    """The first letter and the three numbers of the sounds behind it; H and W do not part equal sounds, vowels do."""
    letters = f"system.main.upper(system.main.regexp_replace({call.sql(0)}, '[^A-Za-z]', '', 'g'))"
    rest = f"system.main.regexp_replace(system.main.substring({letters}, 2), '[HW]', '', 'g')"
    codes = (
        f"system.main.translate(system.main.regexp_replace(system.main.substring({letters}, 1, 1), '[HW]', 'A') || {rest},"
        " 'BFPVCGJKQSXZDTLMNRAEIOUY', '111122222222334556000000')"
    )
    for number in _NUMBERS_OF_LETTERS:
        codes = f"system.main.regexp_replace({codes}, '{number}+', '{number}', 'g')"
    sounds = f"system.main.replace(system.main.substring({codes}, 2), '0', '')"
    return (
        f"CASE WHEN {letters} = '' THEN '' ELSE system.main.substring({letters}, 1, 1)"
        f" || system.main.rpad(system.main.substring({sounds}, 1, 3), 3, '0') END"
    )


def _code_points(call: Call) -> str:
    value = call.sql(0)
    text = f"CAST({value} AS VARCHAR)"
    codes = f"system.main.list_transform(system.main.string_split({text}, ''), lambda c: CAST(system.main.unicode(c) AS BIGINT))"
    pairs = f"system.main.regexp_extract_all(system.main.hex(TRY_CAST({value} AS BLOB)), '..')"
    numbers = f"system.main.list_transform({pairs}, lambda p: CAST('0x' || p AS BIGINT))"
    return f"CASE WHEN system.main.typeof({value}) = 'BLOB' THEN {numbers} WHEN {text} = '' THEN CAST([] AS BIGINT[]) ELSE {codes} END"


def _from_code_points(call: Call) -> str:
    array = call.sql(0)
    character = "CASE WHEN c = 0 THEN system.main.decode(system.main.unhex('00')) ELSE system.main.chr(CAST(c AS INTEGER)) END"
    text = f"system.main.array_to_string(system.main.list_transform({array}, lambda c: {character}), '')"
    return f"CASE WHEN NOT system.main.list_contains(system.main.list_transform({array}, lambda c: c IS NULL), TRUE) THEN {text} END"


def _replace(call: Call) -> str:
    """An empty text to look for is found nowhere."""
    return f"CASE WHEN {call.sql(1)} = '' THEN {call.sql(0)} ELSE system.main.replace({', '.join(call.sqls)}) END"


ROWS = (
    *(Translation(name, f"{name}(x)", _length, (Example(f"{name}('абвгд')", "5"), Example(f"{name}('')", "0")))
      for name in ("LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH")),
    *(Translation(name, f"{name}(x)", _bytes_length, (Example(f"{name}('абвгд')", "10"),)) for name in ("BYTE_LENGTH", "OCTET_LENGTH")),
    Translation(
        "CONCAT", "CONCAT(x, …)", _concat,
        (Example("CONCAT('T.P.', ' ', 'Bar')", "T.P. Bar"), Example("CONCAT('a', NULL)", "NULL"), Example("CONCAT('Summer', 1923)", "Summer1923")),
        arity=(1, 1000),
    ),
    Translation("LOWER", "LOWER(x)", "system.main.lower({0})", (Example("LOWER('FOO BAR')", "foo bar"),)),
    Translation("UPPER", "UPPER(x)", "system.main.upper({0})", (Example("UPPER('foo')", "FOO"),)),
    Translation("INITCAP", "INITCAP(x)", _initcap, (
        Example("INITCAP('Hello World-everyone!')", "Hello World-Everyone!"), Example("INITCAP('a_b')", "A_B"),
        Example("INITCAP('Apples1oranges2pears', '12')", "Apples1Oranges2Pears"), Example("INITCAP(NULL)", "NULL"),
    ), arity=(1, 2)),
    *(
        Translation(
            name, f"{name}(x, position[, length])", _substr,
            (
                Example(f"{name}('apple', 2)", "pple"), Example(f"{name}('apple', 2, 2)", "pp"), Example(f"{name}('apple', -2)", "le"),
                Example(f"{name}('apple', 1, 123)", "apple"), Example(f"{name}('apple', 123)", ""), Example(f"{name}('apple', 0)", "apple"),
                Example(f"{name}('apple', -9, 2)", "ap"), Example(f"{name}('apple', NULL)", "NULL"), Example(f"SAFE.{name}('apple', 1, -1)", "NULL"),
                Example(f"{name}(b'apple', 2)", 'b"pple"'), Example(rf"{name}(b'\x00\xff\x61', 2, 1)", r'b"\xff"'), Example(f"{name}(b'apple', -2)", 'b"le"'),
                Example(f"{name}(CAST('apple' AS BYTES), -9, 2)", 'b"ap"'), Example(f"{name}(b'apple', 123)", 'b""'), Example(f"{name}(b'apple', NULL)", "NULL"),
                Example(f"SAFE.{name}(b'apple', 1, -1)", "NULL"), Example(f"{name}({name}(FROM_BASE64('/+A='), 1), 0, 1)", r'b"\xff"'),
            ),
            arity=(2, 3), differs=_OF_COLUMNS,
        )
        for name in ("SUBSTR", "SUBSTRING")
    ),
    _edge("LEFT", "left", "ban", r'b"\xab\xcd\xef"'),
    _edge("RIGHT", "right", "ana", r'b"\xef\xaa\xbb"'),
    _pad("LPAD"),
    _pad("RPAD"),
    _trim("TRIM", "trim", "[apple]", "apple"),
    _trim("LTRIM", "ltrim", "[apple  ]", "apple***"),
    _trim("RTRIM", "rtrim", "[  apple]", "***apple"),
    Translation(
        "REPEAT", "REPEAT(x, times)",
        "CASE WHEN {1} < 0 THEN system.main.error('REPEAT a negative number of times') ELSE system.main.repeat({0}, {1}) END",
        (Example("REPEAT('abc', 3)", "abcabcabc"), Example("REPEAT('abc', NULL)", "NULL")), arity=(2, 2),
    ),
    Translation(
        "REPLACE", "REPLACE(x, from, to)", _replace,
        (Example("REPLACE('cherry pie', 'pie', 'cobbler')", "cherry cobbler"), Example("REPLACE('a', '', 'b')", "a")), arity=(3, 3),
    ),
    Translation(
        "REVERSE", "REVERSE(x)", _reverse,
        (
            Example("REVERSE('abc')", "cba"), Example("REVERSE('')", ""), Example("REVERSE(NULL)", "NULL"), Example(r"REVERSE(b'\x1a\x2b\x3c')", r'b"<+\x1a"'),
        ),
        differs=_OF_COLUMNS,
    ),
    Translation(
        "SPLIT", "SPLIT(x[, separator])", _split,
        (
            Example("SPLIT('a b c d', ' ')", "[a, b, c, d]"), Example("SPLIT('a,b')", "[a, b]"), Example("ARRAY_LENGTH(SPLIT(''))", "1"), Example("SPLIT('abc', '')", "[a, b, c]"), Example("SPLIT(NULL, ',')", "NULL"),
        ),
        arity=(1, 2), differs="of BYTES is not available",
    ),
    Translation("STRPOS", "STRPOS(x, part)", "system.main.instr({0}, {1})",
                (Example("STRPOS('foo@example.com', '@')", "4"), Example("STRPOS('a', 'b')", "0")), arity=(2, 2)),
    Translation(
        "INSTR", "INSTR(x, part[, position[, occurrence]])", _instr,
        (
            Example("INSTR('banana', 'an')", "2"), Example("INSTR('banana', 'x')", "0"), Example("INSTR('banana', 'an', 1, 1)", "2"),
            Example("INSTR('banana', 'an', 1, 2)", "4"), Example("INSTR('banana', 'an', 1, 3)", "0"), Example("INSTR('banana', 'an', 3, 1)", "4"),
            Example("INSTR('banana', 'an', -1, 1)", "4"), Example("INSTR('banana', 'an', -3, 1)", "4"), Example("INSTR('banana', 'ann', 1, 1)", "0"),
            Example("INSTR('helloooo', 'oo', 1, 1)", "5"), Example("INSTR('helloooo', 'oo', 1, 2)", "6"), Example("INSTR(NULL, 'a', 1)", "NULL"),
            Example("SAFE.INSTR('a', 'a', 0)", "NULL"),
        ),
        arity=(2, 4), differs="of BYTES is not available",
    ),
    *(
        Translation(
            name, f"{name}(x[, NFC])", render, (Example(f"{name}('\\u00ea') = {name}('\\u0065\\u0302')", "true"), *more), arity=(1, 2), differs=differs
        )
        for name, render, more, differs in (
            ("NORMALIZE", _normal_form, (), "only the form NFC"),
            (
                "NORMALIZE_AND_CASEFOLD", lambda call: f"system.main.replace(system.main.lower({_normal_form(call)}), 'ß', 'ss')",
                (Example("NORMALIZE_AND_CASEFOLD('The Red Barn')", "the red barn"),), "only the form NFC; folds by small letters",
            ),
        )
    ),
    Translation("SOUNDEX", "SOUNDEX(x)", _soundex, (
        Example("SOUNDEX('Ashcraft')", "A261"), Example("SOUNDEX('Raven')", "R150"), Example("SOUNDEX('Ribbon')", "R150"), Example("SOUNDEX('')", ""),
        Example("SOUNDEX('Tymczak')", "T522"), Example("SOUNDEX('Pfister')", "P236"), Example("SOUNDEX(NULL)", "NULL"),
    )),
    Translation("TO_CODE_POINTS", "TO_CODE_POINTS(x)", _code_points, (
        Example("TO_CODE_POINTS('foo')", "[102, 111, 111]"), Example("TO_CODE_POINTS('Ā')", "[256]"), Example("TO_CODE_POINTS(b'\\xc4\\x80')", "[196, 128]"),
        Example("TO_CODE_POINTS('')", "[]"), Example("TO_CODE_POINTS(NULL)", "NULL"),
    )),
    Translation("CODE_POINTS_TO_STRING", "CODE_POINTS_TO_STRING(array)", _from_code_points, (
        Example("CODE_POINTS_TO_STRING([65, 255, 513, 1024])", "AÿȁЀ"), Example("CODE_POINTS_TO_STRING([65, NULL])", "NULL"), Example("CODE_POINTS_TO_STRING(TO_CODE_POINTS('xyz'))", "xyz"),
    )),
    Translation("GENERATE_UUID", "GENERATE_UUID()", "CAST(system.main.uuid() AS VARCHAR)", (Example("LENGTH(GENERATE_UUID())", "36"),), arity=(0, 0)),
    Translation(
        "SESSION_USER", "SESSION_USER()", "CAST(current_user AS VARCHAR)", (Example("SESSION_USER()", "duckdb"),), arity=(0, 0),
        differs="is the user of the database, no address",
    ),
    _at_edge(
        "STARTS_WITH", "starts_with", "prefix",
        (
            Example("STARTS_WITH('bar', 'b')", "true"), Example("STARTS_WITH('bar', NULL)", "NULL"), Example("STARTS_WITH(b'bar', b'ba')", "true"),
            Example(r"STARTS_WITH(b'\x12\x34', b'\x12\x35')", "false"),
        ),
    ),
    _at_edge(
        "ENDS_WITH", "suffix", "suffix",
        (
            Example("ENDS_WITH('apple', 'e')", "true"), Example("ENDS_WITH('apple', 'x')", "false"), Example("ENDS_WITH(b'apple', b'le')", "true"),
            Example(r"ENDS_WITH(b'\x12\x34', b'\x34')", "true"),
        ),
    ),
    Translation(
        "CONTAINS_SUBSTR", "CONTAINS_SUBSTR(x, part)", _contains,
        (
            Example("CONTAINS_SUBSTR('the blue house', 'Blue house')", "true"), Example("CONTAINS_SUBSTR('the red house', 'blue')", "false"),
            Example("CONTAINS_SUBSTR(NULL, 'a')", "NULL"),
        ),
        arity=(2, 2), differs="searches one value, no row or STRUCT of several, and normalizes to NFC",
    ),
    Translation("ASCII", "ASCII(x)", "CASE WHEN system.main.ascii({0}) > 127 THEN system.main.error('ASCII of a character that is none') ELSE CAST(system.main.ascii({0}) AS BIGINT) END",
                (Example("ASCII('abcd')", "97"), Example("ASCII('')", "0"), Example("SAFE.ASCII('é')", "NULL"))),
    Translation("UNICODE", "UNICODE(x)", "CASE WHEN {0} = '' THEN 0 ELSE CAST(system.main.unicode({0}) AS BIGINT) END",
                (Example("UNICODE('âbcd')", "226"), Example("UNICODE('')", "0"))),
    Translation("CHR", "CHR(code)", "CASE WHEN {0} = 0 THEN '' ELSE system.main.chr(CAST({0} AS INTEGER)) END",
                (Example("CHR(65)", "A"), Example("CHR(97)", "a"))),
    Translation("TRANSLATE", "TRANSLATE(x, from, to)", "system.main.translate({0}, {1}, {2})",
                (Example("TRANSLATE('This is a cookie', 'sco', 'zku')", "Thiz iz a kuukie"),), arity=(3, 3)),
    Translation(
        "EDIT_DISTANCE", "EDIT_DISTANCE(x, y)", "system.main.levenshtein({0}, {1})", (Example("EDIT_DISTANCE('abc', 'adc')", "1"),), arity=(2, 2)
    ),
)  # fmt: skip
