"""A script checked statement by statement: each is read as if it were to run, and the next one is looked at whatever is found.

What earlier statements of the script make counts: functions, the types of models, the flavour after SET sqlml.dialect.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sqlml.bigquery.statements import assigned_variable, is_of_engine, scripting_error
from sqlml.errors import Error, ProgrammingError, did_you_mean
from sqlml.plan.check_statement import Known, StatementCheck
from sqlml.settings import SETTINGS
from sqlml.source import Source, Span
from sqlml.syntax import parse_statement, split_statements
from sqlml.syntax.names import unquote
from sqlml.syntax.nodes import Query, SetSetting
from sqlml.syntax.tokens import Token, TokenKind, tokenize

_OPENS_BLOCK = {
    "BEGIN": ("BEGIN",), "CASE": ("THEN",), "FOR": ("DO",), "IF": ("THEN",), "LOOP": ("LOOP",), "REPEAT": ("REPEAT",), "WHILE": ("DO",),
    "CREATE": ("BEGIN",),
}  # fmt: skip
"""First word of a block, and the word behind which its first statement stands."""
_WITHIN_BLOCK = {"ELSE": ("ELSE",), "ELSEIF": ("THEN",), "EXCEPTION": ("THEN",), "UNTIL": (), "END": ()}


class ScriptCheck:
    """One script."""

    def __init__(self, source: Source, dialect: str) -> None:
        self._source = source
        self._dialect = dialect
        self._known = Known()
        self._depth = 0
        """How many blocks are open."""
        self._errors: list[Error] = []

    def run(self) -> list[Error]:
        """All that would not run, statement by statement."""
        for span in self._split():
            try:
                self._statement(span)
            except Error as error:
                self._errors.append(error.at(span))
        return self._errors

    def _split(self) -> list[Span]:
        try:
            return split_statements(self._source, self._dialect)
        except ProgrammingError as error:
            self._errors.append(error)
            # What stands before the text that does not end, without the statement that it belongs to.
            stop = error.span.start if error.span is not None else 0
            return split_statements(Source(self._source.text[:stop]), self._dialect)[:-1]

    def _statement(self, span: Span) -> None:
        if self._dialect == "bigquery":
            rest = self._within_blocks(span)
            if rest is None or (is_of_engine(self._source, rest) and not _is_ours(self._source, rest)):
                return
            span = rest
        node = parse_statement(self._source, span, self._dialect)
        if isinstance(node, SetSetting):
            self._setting(node)
        elif isinstance(node, Query):
            self._note_function(span)
        self._errors += StatementCheck(self._source, self._dialect, self._known).run(node)

    def _within_blocks(self, span: Span) -> Span | None:
        """What is left of a statement without the words of blocks before it; None where nothing is left."""
        tokens = tokenize(self._source.text, "bigquery", span)
        while (error := scripting_error(tokens)) is not None:
            word = tokens[0].text.upper()
            belongs = word in _WITHIN_BLOCK and self._depth > 0
            if not belongs:
                self._errors.append(error)
            self._depth += (word in _OPENS_BLOCK) - (word == "END" and self._depth > 0)
            tokens = _behind(tokens, _OPENS_BLOCK.get(word) or _WITHIN_BLOCK.get(word) or ())
            if not tokens:
                return None
        variable = assigned_variable(tokens)
        if variable is not None:
            self._errors.append(variable)
            return None
        return Span(tokens[0].span.start, span.end)

    def _setting(self, node: SetSetting) -> None:
        setting = SETTINGS.get(node.name.lower())
        if setting is None:
            raise ProgrammingError(
                f"sqlml has no setting {node.name}", code="unknown_setting", span=node.name_span,
                hint=did_you_mean(node.name, list(SETTINGS)) or f"there are: {', '.join(SETTINGS)}",
            )  # fmt: skip
        if isinstance(node.value.value, bool | int | float | str | list | None):
            try:
                value = setting.type.convert(node.value.value)
            except ValueError as error:
                raise ProgrammingError(
                    f"{setting.name} {error}", code="setting_value", span=node.value.span, hint="SHOW sqlml lists the settings"
                ) from None
            if setting.name == "dialect" and str(value).lower() in ("bigquery", "duckdb"):
                self._dialect = str(value).lower()

    def _note_function(self, span: Span) -> None:
        """Remembers a function that the script makes."""
        tokens = tokenize(self._source.text, self._dialect, span)[:12]
        at = next((index for index, token in enumerate(tokens) if token.is_word("FUNCTION", "MACRO")), None)
        if at is None or not tokens[0].is_word("CREATE") or any(token.is_symbol("(") for token in tokens[:at]):
            return
        names = list(itertools.takewhile(lambda token: not token.is_symbol("("), tokens[at + 1 :]))
        if names and names[-1].kind in (TokenKind.WORD, TokenKind.QUOTED):
            # The last name of its path, several of which may stand in one pair of backticks.
            self._known.functions.add(unquote(names[-1], self._dialect).rpartition(".")[2].casefold())


def _is_ours(source: Source, span: Span) -> bool:
    """Whether SET, SHOW or DESCRIBE is about models or settings of ours, which is for the parser to find out."""
    words = {token.text.upper() for token in tokenize(source.text, "bigquery", span)[:4]}
    return bool(words & {"MODEL", "MODELS", "VERSIONS", "SQLML"})


def _behind(tokens: Sequence[Token], words: Sequence[str]) -> list[Token]:
    """The tokens behind the first of some words that stands outside of brackets."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.is_symbol("(", "["):
            depth += 1
        elif token.is_symbol(")", "]"):
            depth -= 1
        elif depth == 0 and token.is_word(*words):
            return list(tokens[index + 1 :])
    return []
