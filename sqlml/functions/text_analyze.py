"""TEXT_ANALYZE: a text as an array of tokens.

    SELECT TEXT_ANALYZE(message) FROM logs
    SELECT TEXT_ANALYZE(message, analyzer => 'PATTERN_ANALYZER', analyzer_options => '{"patterns": ["[a-z]+"]}') FROM logs

LOG_ANALYZER (the default) splits at delimiters, the longest first; PATTERN_ANALYZER takes every match of a regular expression,
`\\b\\w{2,}\\b` unless given; NO_OP_ANALYZER takes the text as it is. Then `token_filters` apply in their order; where they are not given,
ASCII letters become lower case. Tokens keep the order of the text (BigQuery promises none), empty ones are left out. NULL gives NULL.
Not here: the normalizations NFKC, NFD and NFKD, which the engine lacks; they are refused. NFKC is ICU_NORMALIZE's default, so that mode
wants `"icu_normalize_mode": "NFC"`. A pattern with ^ or \\b sees the whole text, BigQuery matches what the last token left of it.
Source: reference, functions 5.4; token filters from BigQuery's text analysis page.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._analyzer_options import AnalyzerJson, AnalyzerOptions, Normalizer, StopWords, TokenFilter
from sqlml.functions._case_folding import case_fold, is_ascii
from sqlml.functions._list_sql import each, where
from sqlml.functions._terms import text_of
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import String

_DELIMITERS = (
    *"[]<>(){}|!;,'\"*&?+/:=@.-$%\\_\n\r \t",
    *("%21", "%26", "%2526", "%3B", "%3b", "%7C", "%7c", "%20", "%2B", "%2b", "%3D", "%3d", "%2520", "%5D", "%5d"),
    *("%5B", "%5b", "%3A", "%3a", "%0A", "%0a", "%2C", "%2c", "%28", "%29"),
)
_PATTERN = r"\b\w{2,}\b"
_ONE = "__sqlml_token"


def _check(arguments: Arguments) -> None:
    analyzer, options = arguments.literals["analyzer"], arguments.literals["analyzer_options"]
    given = {"delimiters": options.delimiters, "patterns": options.pattern, "token_filters": options.filters}
    taken = {"LOG_ANALYZER": ("delimiters", "token_filters"), "PATTERN_ANALYZER": ("patterns", "token_filters")}.get(analyzer, ())
    for name, value in given.items():
        if value is not None and name not in taken:
            hint = f"{analyzer} takes {' and '.join(taken)}" if taken else f"{analyzer} takes no options"
            raise arguments.error("analyzer_options", f"{name} does not go with {analyzer}", hint=hint)


def _expression(arguments: Arguments, _: Sequence[Learned]) -> str:
    text = text_of(arguments, "text")
    analyzer, options = arguments.literals["analyzer"], arguments.literals["analyzer_options"]
    if analyzer == "NO_OP_ANALYZER":
        return f"CASE WHEN {text} IS NULL THEN NULL ELSE {_without_empty(sql.call('list_value', text))} END"
    if analyzer == "PATTERN_ANALYZER":
        tokens = sql.call("regexp_extract_all", text, sql.literal(options.pattern or _PATTERN))
    else:
        longest_first = sorted(options.delimiters or _DELIMITERS, key=lambda delimiter: (-len(delimiter), delimiter))
        tokens = sql.call("regexp_split_to_array", text, sql.literal("|".join(map(re.escape, longest_first))))
    tokens = _without_empty(tokens)
    for token_filter in (Normalizer.LOWER,) if options.filters is None else options.filters:
        tokens = _filtered(tokens, token_filter)
    return tokens


def _without_empty(tokens: str) -> str:
    return where(tokens, _ONE, f"{_ONE} <> ''")


def _filtered(tokens: str, token_filter: TokenFilter) -> str:
    match token_filter:
        case StopWords(words):
            return where(tokens, _ONE, f"{_ONE} NOT IN ({', '.join(map(sql.literal, words))})")
        case Normalizer.LOWER:
            slow = sql.call("translate", _ONE, f"'{string.ascii_uppercase}'", f"'{string.ascii_lowercase}'")
            return each(tokens, _ONE, f"CASE WHEN {is_ascii(_ONE)} THEN {sql.call('lower', _ONE)} ELSE {slow} END")
        case Normalizer.UNICODE_LOWER:
            return each(tokens, _ONE, sql.call("lower", _ONE))
        case Normalizer.NFC:
            return each(tokens, _ONE, sql.call("nfc_normalize", _ONE))
        case Normalizer.NFC_FOLD:
            return each(tokens, _ONE, case_fold(sql.call("nfc_normalize", _ONE)))
        case Normalizer.NONE:
            return tokens


SPEC = ValueSpec(
    name="TEXT_ANALYZE",
    doc="The tokens of a text: split at delimiters, or the matches of a pattern, normalized and filtered.",
    parameters=(
        Parameter("text", Takes.STRING),
        Parameter("analyzer", literal=String(("LOG_ANALYZER", "NO_OP_ANALYZER", "PATTERN_ANALYZER")), default="LOG_ANALYZER"),
        Parameter("analyzer_options", literal=AnalyzerJson(), default=AnalyzerOptions()),
    ),
    expression=_expression,
    check=_check,
)
