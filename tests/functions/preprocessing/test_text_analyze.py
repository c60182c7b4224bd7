"""TEXT_ANALYZE."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from vocabulary_calls import call, type_of

from sqlml.errors import DataError
from sqlml.functions._analyzer_options import AnalyzerJson

PIE = "I like pie, you like-pie, they like 2 PIEs."
SIGNS = "I like ❶ ② pies, you like Ño PIEs"


def analyze(text: str | None, analyzer: str | None = None, **options: object) -> Any:
    given: dict[str, Any] = {"analyzer": analyzer} if analyzer else {}
    if options:
        given["analyzer_options"] = json.dumps(options)
    return call("TEXT_ANALYZE", [text], **given)[0]


def normalized(**normalizer: object) -> list[object]:
    return [{"normalizer": normalizer}]


def test_sample_rows() -> None:
    log = ["i", "like", "pie", "you", "like", "pie", "they", "like", "2", "pies"]
    assert analyze(PIE) == analyze(PIE, "LOG_ANALYZER") == analyze(PIE, "log_analyzer") == log
    assert analyze(PIE, "NO_OP_ANALYZER") == [PIE]
    assert analyze(PIE, "PATTERN_ANALYZER") == ["like", "pie", "you", "like", "pie", "they", "like", "pies"]
    assert type_of("TEXT_ANALYZE", "a") == "VARCHAR[]"


@pytest.mark.parametrize("analyzer", ["LOG_ANALYZER", "NO_OP_ANALYZER", "PATTERN_ANALYZER"])
def test_missing_and_empty_texts(analyzer: str) -> None:
    assert call("TEXT_ANALYZE", [None, ""], analyzer=analyzer) == [None, []]
    assert analyze(" ,", "LOG_ANALYZER") == []


def test_log_delimiters() -> None:
    """Every one of the reference's list, in one text."""
    signs = [
        "[",
        "]",
        "<",
        ">",
        "(",
        ")",
        "{",
        "}",
        "|",
        "!",
        ";",
        ",",
        "'",
        '"',
        "*",
        "&",
        "?",
        "+",
        "/",
        ":",
        "=",
        "@",
        ".",
        "-",
        "$",
        "%",
        "\\",
        "_",
    ]
    escapes = [
        "%21",
        "%26",
        "%2526",
        "%3B",
        "%3b",
        "%7C",
        "%7c",
        "%20",
        "%2B",
        "%2b",
        "%3D",
        "%3d",
        "%2520",
        "%5D",
        "%5d",
        "%5B",
        "%5b",
        "%3A",
        "%3a",
        "%0A",
        "%0a",
        "%2C",
        "%2c",
        "%28",
        "%29",
    ]
    delimiters = [*signs, "\n", "\r", " ", "\t", *escapes]
    text = "".join(f"x{number}{delimiter}" for number, delimiter in enumerate(delimiters))
    assert analyze(text) == [f"x{number}" for number in range(len(delimiters))]
    assert analyze("a#b~c^d`e%2f") == ["a#b~c^d`e", "2f"]


def test_log_lower_case_is_of_ascii_letters() -> None:
    assert analyze("ÄB Straße ÑO X") == ["Äb", "straße", "Ño", "x"]


def test_longer_delimiters_go_first() -> None:
    assert analyze("a%2b%25c", "LOG_ANALYZER", delimiters=["%", "%2"]) == ["a", "b", "5c"]
    assert analyze("A.B|C^D]E\\F", "LOG_ANALYZER", delimiters=[".", "|", "^", "]", "\\"]) == ["a", "b", "c", "d", "e", "f"]
    assert analyze(PIE, "LOG_ANALYZER", delimiters=[",", ".", "-"]) == ["i like pie", " you like", "pie", " they like 2 pies"]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[a-z]{2}", "abacad", ["ab", "ac", "ad"]),
        ("aaa", "aaaaa", ["aaa"]),
        ("[a-z]/", "a/b/c/d/e", ["a/", "b/", "c/", "d/"]),
        ("/[^/]+/", "aa/bb/cc", ["/bb/"]),
        ("[0-9]+", "abc", []),
        ("(?:/?)[a-z]", "/abc", ["/a", "b", "c"]),
        ("(/)[a-z]", "/abc", ["/a"]),
        ("(?:[0-9]abc){3}(?:[a-z]000){2}", "7abc7abc7abcx000y000", ["7abc7abc7abcx000y000"]),
        ('".+"', '"cats" and "dogs"', ['"cats" and "dogs"']),
        ('".+?"', '"cats" and "dogs"', ['"cats"', '"dogs"']),
        ("(?i)abc", "Abc", ["abc"]),
        ("[a-zA-Z]*", "It's 2", ["it", "s"]),
        (r"\pL+", "añb1", ["añb"]),
    ],
)
def test_patterns(pattern: str, text: str, expected: list[str]) -> None:
    assert analyze(text, "PATTERN_ANALYZER", patterns=[pattern]) == expected


@pytest.mark.parametrize(
    ("normalizer", "expected"),
    [
        ({"mode": "NONE"}, ["I", "like", "❶", "②", "pies", "you", "like", "Ño", "PIEs"]),
        ({"mode": "LOWER"}, ["i", "like", "❶", "②", "pies", "you", "like", "Ño", "pies"]),
        ({"mode": "UNICODE_LOWER"}, ["i", "like", "❶", "②", "pies", "you", "like", "ño", "pies"]),
        ({"mode": "ICU_NORMALIZE", "icu_normalize_mode": "NFC"}, ["i", "like", "❶", "②", "pies", "you", "like", "ño", "pies"]),
        (
            {"mode": "ICU_NORMALIZE", "icu_normalize_mode": "NFC", "icu_case_folding": False},
            ["I", "like", "❶", "②", "pies", "you", "like", "Ño", "PIEs"],
        ),
    ],
)
def test_normalizers(normalizer: dict[str, object], expected: list[str]) -> None:
    """The vendor's rows, in composed and decomposed letters."""
    assert analyze(SIGNS, "LOG_ANALYZER", token_filters=normalized(**normalizer)) == expected
    if normalizer["mode"] == "ICU_NORMALIZE":
        assert analyze("N\u0303o", token_filters=normalized(**normalizer)) == [expected[7]]


def test_case_folding_equals_pythons() -> None:
    """Every character; a token of many, so that each stands beside others."""
    characters = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000 and chr(code).casefold() != chr(code)]
    rows = [letter * 2 + "aA" for letter in characters]
    nfc = json.dumps({"patterns": ["(?s).*"], "token_filters": normalized(mode="ICU_NORMALIZE", icu_normalize_mode="NFC")})
    found = call("TEXT_ANALYZE", rows, analyzer="PATTERN_ANALYZER", analyzer_options=nfc)
    assert len(rows) > 1400
    assert found == [[unicodedata.normalize("NFC", row).casefold()] for row in rows]


def test_stop_words_and_the_order_of_filters() -> None:
    stop, lower = {"stop_words": ["they", "pie", "pies", "it's"]}, normalized(mode="LOWER")[0]
    assert analyze(PIE, token_filters=[stop]) == ["I", "like", "you", "like", "like", "2", "PIEs"]
    assert analyze(PIE, token_filters=[lower, stop]) == ["i", "like", "you", "like", "like", "2"]
    assert analyze(PIE, token_filters=[stop, lower]) == ["i", "like", "you", "like", "like", "2", "pies"]
    assert analyze(PIE, token_filters=[stop, lower, {"stop_words": ["2", ""]}, stop]) == ["i", "like", "you", "like", "like"]
    assert analyze(PIE, token_filters=[])[-1] == "PIEs"


def test_delimiters_and_patterns_go_with_filters() -> None:
    assert analyze("A-B", delimiters=["-"], token_filters=normalized(mode="NONE")) == ["A", "B"]
    assert analyze("A-B", "PATTERN_ANALYZER", patterns=["[A-Z]"], token_filters=normalized(mode="NONE")) == ["A", "B"]


@pytest.mark.parametrize(
    ("analyzer", "options", "hint"),
    [
        ("NO_OP_ANALYZER", {"delimiters": ["-"]}, "takes no options"),
        ("NO_OP_ANALYZER", {"token_filters": []}, "takes no options"),
        ("LOG_ANALYZER", {"patterns": ["a"]}, "takes delimiters and token_filters"),
        ("PATTERN_ANALYZER", {"delimiters": ["-"]}, "takes patterns and token_filters"),
    ],
)
def test_options_of_another_analyzer(analyzer: str, options: dict[str, object], hint: str) -> None:
    with pytest.raises(DataError, match="does not go with") as caught:
        analyze("a", analyzer, **options)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (1, "a string that holds a JSON object"),
        ("{", "must be a JSON object: Expecting"),
        ("[" * 100_000, "must be a JSON object"),
        ("[1]", "must be a JSON object"),
        ('{"delimiter": ["-"]}', 'no other keys than delimiters, patterns, token_filters; it has "delimiter"'),
        ('{"delimiters": "-"}', '"delimiters" a non-empty array of strings'),
        ('{"delimiters": []}', '"delimiters" a non-empty array of strings'),
        ('{"delimiters": [1]}', '"delimiters" a non-empty array of strings'),
        ('{"delimiters": [""]}', "1 to 16 ASCII characters"),
        ('{"delimiters": ["12345678901234567"]}', "1 to 16 ASCII characters"),
        ('{"delimiters": ["é"]}', "1 to 16 ASCII characters"),
        ('{"delimiters": ["\\u0000"]}', "no zero characters"),
        ('{"patterns": ["a", "b"]}', "exactly one regular expression"),
        ('{"patterns": ["["]}', r"valid RE2 regular expression: missing \]: \["),
        ('{"patterns": ["(?=a)"]}', "valid RE2 regular expression: invalid perl operator"),
        ('{"patterns": ["(a)\\\\1"]}', "valid RE2 regular expression: invalid escape sequence"),
        ('{"token_filters": {}}', '"token_filters" an array of objects'),
        ('{"token_filters": [{}]}', "in each of"),
        ('{"token_filters": [{"stop_words": ["a"], "normalizer": {"mode": "LOWER"}}]}', "in each of"),
        ('{"token_filters": [{"stop_words": []}]}', '"stop_words" a non-empty array'),
        ('{"token_filters": [{"stop_words": ["\\ud800"]}]}', "halves of surrogate pairs"),
        ('{"token_filters": [{"normalizer": "LOWER"}]}', '"normalizer": an object'),
        ('{"token_filters": [{"normalizer": {}}]}', '"mode" one of NONE, LOWER, UNICODE_LOWER, ICU_NORMALIZE'),
        ('{"token_filters": [{"normalizer": {"mode": "UPPER"}}]}', '"mode" one of'),
        ('{"token_filters": [{"normalizer": {"mode": "LOWER", "icu_case_folding": true}}]}', 'only where "mode" is ICU_NORMALIZE'),
        ('{"token_filters": [{"normalizer": {"mode": "ICU_NORMALIZE", "icu_normalize_mode": "NFX"}}]}', "one of NFC, NFKC, NFD, NFKD"),
        ('{"token_filters": [{"normalizer": {"mode": "ICU_NORMALIZE", "icu_normalize_mode": "NFD"}}]}', "the engine has no NFD"),
        ('{"token_filters": [{"normalizer": {"mode": "ICU_NORMALIZE"}}]}', "the engine has no NFKC"),
        (
            '{"token_filters": [{"normalizer": {"mode": "ICU_NORMALIZE", "icu_normalize_mode": "NFC", "icu_case_folding": 1}}]}',
            "true or false",
        ),
    ],
)
def test_bad_options(text: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnalyzerJson().convert(text)
