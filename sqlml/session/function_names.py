"""The engine's complaint of an unknown function, where one of sqlml's was meant."""

from __future__ import annotations

import re

from sqlml.errors import Error, did_you_mean
from sqlml.functions._registry import FUNCTIONS, NOT_YET, VALUE_FUNCTIONS
from sqlml.source import Source

_ML_NAME = re.compile(r"(?:`?ml`?\s*\.\s*)(\w+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r'"?(\w+)')
_OF_ML = frozenset(name.removeprefix("ML.") for name in VALUE_FUNCTIONS if name.startswith("ML."))
_NAMES = tuple(sorted({*FUNCTIONS, *NOT_YET, *_OF_ML}))


def explain_unknown_function(error: Error, source: Source) -> Error:
    """The error with the name as it was written and what may have been meant; any other error as it is. Its place is in `source`."""
    if error.code != "unknown_function" or error.span is None:
        return error
    text = source.text[error.span.start : error.span.end]
    written = _ML_NAME.match(text)
    if written is not None:
        name = written[1].upper()
        error.message = f"unknown function ML.{name}"
        outside = name in {plain for plain in VALUE_FUNCTIONS if "." not in plain}
        error.hint = f"it is written {name}, without ML" if outside else did_you_mean(name, _NAMES)
        error.args = (error.message,)
    elif (plain := _PLAIN_NAME.match(text)) is not None and plain[1].upper() in _OF_ML:
        error.hint = f"did you mean ML.{plain[1].upper()}?"
    return error
