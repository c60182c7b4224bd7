"""The JSON of TEXT_ANALYZE's `analyzer_options`, read and checked into values before any row is seen.

    {"delimiters": ["-", "%20"]}                                  of LOG_ANALYZER
    {"patterns": ["[a-z]+"]}                                      of PATTERN_ANALYZER, one RE2 expression
    {"token_filters": [{"normalizer": {"mode": "LOWER"}}, {"stop_words": ["the"]}]}       of both, applied in order

Errors are ValueErrors with "must be …"; the binder adds name and place. Source: BigQuery's text analysis page and reference, functions 5.4.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from sqlml.models._options import OptionType

_LONGEST_DELIMITER = 16


class Normalizer(enum.Enum):
    """What is done to the letters of a token."""

    NONE = "NONE"
    LOWER = "LOWER"
    """ASCII letters to lower case."""
    UNICODE_LOWER = "UNICODE_LOWER"
    NFC = "NFC"
    NFC_FOLD = "NFC_FOLD"
    """NFC, then Unicode case folding."""


@dataclass(frozen=True, slots=True)
class StopWords:
    """Tokens that are taken out."""

    words: tuple[str, ...]


TokenFilter = Normalizer | StopWords


@dataclass(frozen=True, slots=True)
class AnalyzerOptions:
    """What the JSON says; None where it is silent."""

    delimiters: tuple[str, ...] | None = None
    pattern: str | None = None
    filters: tuple[TokenFilter, ...] | None = None


@dataclass(frozen=True)
class AnalyzerJson(OptionType):
    """A string that holds the options as a JSON object."""

    def convert(self, value: object) -> AnalyzerOptions:
        if not isinstance(value, str):
            raise ValueError("must be a string that holds a JSON object")
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError) as error:
            where = f": {error}" if isinstance(error, json.JSONDecodeError) else ""
            raise ValueError(f"must be a JSON object{where}") from None
        keys = _fields(parsed, "a JSON object", ("delimiters", "patterns", "token_filters"))
        return AnalyzerOptions(
            _delimiters(keys["delimiters"]) if "delimiters" in keys else None,
            _pattern(keys["patterns"]) if "patterns" in keys else None,
            _filters(keys["token_filters"]) if "token_filters" in keys else None,
        )

    def describe(self) -> str:
        return "STRING: a JSON object of delimiters, patterns, token_filters"


def _fields(value: object, what: str, known: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"must be {what}")
    unknown = next((key for key in value if key not in known), None)
    if unknown is not None:
        raise ValueError(f"must be {what} with no other keys than {', '.join(known)}; it has {json.dumps(unknown)}")
    return value


def _strings(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise ValueError(f'must have in "{key}" a non-empty array of strings')
    if any("\0" in item or any("\ud800" <= character <= "\udfff" for character in item) for item in value):
        raise ValueError(f'must have in "{key}" no zero characters and no halves of surrogate pairs')  # neither can stand in SQL
    return tuple(value)


def _delimiters(value: object) -> tuple[str, ...]:
    delimiters = _strings(value, "delimiters")
    for delimiter in delimiters:
        if not delimiter.isascii() or not 1 <= len(delimiter) <= _LONGEST_DELIMITER:
            raise ValueError(f"must have delimiters of 1 to {_LONGEST_DELIMITER} ASCII characters, not {json.dumps(delimiter)}")
    return delimiters


def _pattern(value: object) -> str:
    patterns = _strings(value, "patterns")
    if len(patterns) != 1:
        raise ValueError(f'must have exactly one regular expression in "patterns", not {len(patterns)}')
    try:
        pc.match_substring_regex(pa.array([""]), patterns[0])  # the same RE2 as the engine's
    except pa.ArrowInvalid as error:
        raise ValueError(f"must have a valid RE2 regular expression: {str(error).removeprefix('Invalid regular expression: ')}") from None
    return patterns[0]


def _filters(value: object) -> tuple[TokenFilter, ...]:
    if not isinstance(value, list):
        raise ValueError('must have in "token_filters" an array of objects')
    return tuple(_filter(item) for item in value)


def _filter(value: object) -> TokenFilter:
    what = 'in each of "token_filters" an object {"normalizer": …} or {"stop_words": …}'
    keys = _fields(value, what, ("normalizer", "stop_words"))
    if len(keys) != 1:
        raise ValueError(f"must be {what}")
    return StopWords(_strings(keys["stop_words"], "stop_words")) if "stop_words" in keys else _normalizer(keys["normalizer"])


def _normalizer(value: object) -> Normalizer:
    keys = _fields(value, '"normalizer": an object', ("mode", "icu_normalize_mode", "icu_case_folding"))
    mode = _word(keys.get("mode"), "mode", ("NONE", "LOWER", "UNICODE_LOWER", "ICU_NORMALIZE"))
    if mode != "ICU_NORMALIZE":
        if len(keys) > 1:
            raise ValueError('must have icu_normalize_mode and icu_case_folding only where "mode" is ICU_NORMALIZE')
        return Normalizer(mode)
    form = _word(keys.get("icu_normalize_mode", "NFKC"), "icu_normalize_mode", ("NFC", "NFKC", "NFD", "NFKD"))
    folding = keys.get("icu_case_folding", True)
    if not isinstance(folding, bool):
        raise ValueError('must have true or false for "icu_case_folding"')
    if form != "NFC":
        raise ValueError(f'must have "icu_normalize_mode": "NFC": the engine has no {form} normalization')
    return Normalizer.NFC_FOLD if folding else Normalizer.NFC


def _word(value: object, key: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value.upper() not in words:
        raise ValueError(f'must have for "{key}" one of {", ".join(words)}')
    return value.upper()
