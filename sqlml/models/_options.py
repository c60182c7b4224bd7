"""Options as declarations: name, type, range, default, effect. Written once, checked once, shown by DESCRIBE MODEL TYPE.

An option is honoured, accepted with a notice, or rejected with the reason; none is ignored in silence. Values arrive as Python values
(str, int, float, bool, None, list, tuple, HparamRange, HparamCandidates, datetime), already read from SQL.
"""

from __future__ import annotations

import datetime
import enum
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlml.errors import NotSupportedError, ProgrammingError, did_you_mean
from sqlml.types import HparamCandidates, HparamRange


class OptionType(ABC):
    """What an option takes. `convert` gives the canonical value or raises `ValueError` with "must be …"; the caller adds the name."""

    @abstractmethod
    def convert(self, value: object) -> object: ...

    @abstractmethod
    def describe(self) -> str:
        """The type and its range in a few words, for DESCRIBE MODEL TYPE."""


@dataclass(frozen=True)
class Float(OptionType):
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def convert(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"must be a number{_range(self)}")
        _check_range(self, float(value))
        return float(value)

    def describe(self) -> str:
        return f"FLOAT64{_range(self)}"


@dataclass(frozen=True)
class Integer(OptionType):
    ge: int | None = None
    gt: int | None = None
    le: int | None = None
    lt: int | None = None

    def convert(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or int(value) != value:
            raise ValueError(f"must be a whole number{_range(self)}")
        _check_range(self, int(value))
        return int(value)

    def describe(self) -> str:
        return f"INT64{_range(self)}"


@dataclass(frozen=True)
class Boolean(OptionType):
    def convert(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError("must be TRUE or FALSE")
        return value

    def describe(self) -> str:
        return "BOOL"


@dataclass(frozen=True)
class String(OptionType):
    choices: tuple[str, ...] = ()
    """Allowed values in capitals; any case is taken. Empty: any string."""

    def convert(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be " + (f"one of {', '.join(map(repr, self.choices))}" if self.choices else "a string"))
        if not self.choices:
            return value
        if value.upper() not in self.choices:
            raise ValueError(f"must be one of {', '.join(map(repr, self.choices))}")
        return value.upper()

    def describe(self) -> str:
        return "STRING" + (f" in ({', '.join(self.choices)})" if self.choices else "")


@dataclass(frozen=True)
class StringList(OptionType):
    length: int | None = None

    def convert(self, value: object) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError("must be an array of strings")
        if self.length is not None and len(items) != self.length:
            raise ValueError(f"must have exactly {self.length} element{'s' * (self.length != 1)}")
        return tuple(items)

    def describe(self) -> str:
        return "ARRAY<STRING>" + (f"[{self.length}]" if self.length is not None else "")


@dataclass(frozen=True)
class Pairs(OptionType):
    """An array of (string, number) or (string, string): class weights, labels of a model."""

    value_type: type = float

    def convert(self, value: object) -> tuple[tuple[str, Any], ...]:
        kind = "number" if self.value_type is float else "string"
        wanted = f"must be an array of ('name', {kind})"
        if not isinstance(value, list):
            raise ValueError(wanted)
        pairs: list[tuple[str, Any]] = []
        for item in value:
            if not isinstance(item, tuple) or len(item) != 2 or not isinstance(item[0], str):
                raise ValueError(wanted)
            if self.value_type is float:
                pairs.append((item[0], Float().convert(item[1])))
            elif isinstance(item[1], str):
                pairs.append((item[0], item[1]))
            else:
                raise ValueError(wanted)
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("must name each entry once")
        return tuple(pairs)

    def describe(self) -> str:
        return f"ARRAY<STRUCT<STRING, {'FLOAT64' if self.value_type is float else 'STRING'}>>"


@dataclass(frozen=True)
class Timestamp(OptionType):
    def convert(self, value: object) -> datetime.datetime:
        if isinstance(value, str):
            try:
                value = datetime.datetime.fromisoformat(value)
            except ValueError:
                raise ValueError("must be a timestamp") from None
        if isinstance(value, datetime.datetime):
            return value
        raise ValueError("must be a timestamp")

    def describe(self) -> str:
        return "TIMESTAMP"


class Effect(enum.Enum):
    """What setting the option does here."""

    HONOURED = "honoured"
    NOTICE = "accepted with a notice"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Option:
    """One option of a statement or function.

    `reason` is what the user is told when `effect` is NOTICE or REJECTED. A rejected option may still be given its `default` value, which
    changes nothing. `default` None means that the model type decides (the `doc` says how) or that there is none.
    """

    name: str
    type: OptionType
    default: object = None
    doc: str = ""
    effect: Effect = Effect.HONOURED
    reason: str = ""
    tunable: bool = False
    only_if: tuple[str, object] | None = None
    """(other option, value): giving this option without that value is an error."""
    aliases: tuple[str, ...] = ()


class Options(Mapping[str, Any]):
    """Checked options: every declared name is present, with its default where the statement was silent; `given` are the names it set."""

    def __init__(self, values: Mapping[str, object], given: frozenset[str]) -> None:
        self._values = MappingProxyType(dict(values))
        self.given = given

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class OptionError(ProgrammingError):
    """Raised by a model type's cross-checks; `option` says which of the given options the caret belongs under."""

    def __init__(self, option: str, message: str, *, code: str = "option_value", hint: str | None = None) -> None:
        super().__init__(message, code=code, hint=hint)
        self.option = option


_ELSEWHERE = {"num_trees": "num_parallel_tree"}
"""What other libraries call an option."""


def _meant(written: str, known: Collection[str]) -> str | None:
    name = _ELSEWHERE.get(written.lower())
    return f"did you mean {name}?" if name in known else did_you_mean(written, list(known))


def check_options(
    declared: tuple[Option, ...], given: Mapping[str, object], owner: str, *, advice: str | None = None
) -> tuple[Options, list[str]]:
    """Checked options and the notices that go with them.

    Args: given, option name (any case) to Python value; owner, as in "model type LINEAR_REG", for messages; advice, where the name of an
        unknown option is like none of the declared; without it those are listed that do something.
    Raises: OptionError `unknown_option`, `option_value`, `option_not_applicable`; NotSupportedError `option_not_supported`.
    """
    by_name = {name: option for option in declared for name in (option.name, *option.aliases)}
    values: dict[str, object] = {option.name: option.default for option in declared}
    notices: list[str] = []
    given_as: dict[str, str] = {}
    for written, value in given.items():
        option = by_name.get(written.lower())
        if option is None:
            raise OptionError(
                written, f'unknown option "{written}" for {owner}', code="unknown_option",
                hint=_meant(written, by_name) or advice or _listed(declared),
            )  # fmt: skip
        if option.name in given_as:
            raise OptionError(written, f"option {option.name} is given twice", code="duplicate_option")
        given_as[option.name] = written
        values[option.name] = _convert(option, written, value)
        if values[option.name] == option.default:
            continue
        if option.effect is Effect.REJECTED:
            error = NotSupportedError(f"option {option.name} is not available: {option.reason}", code="option_not_supported")
            error.option = written  # type: ignore[attr-defined]  # read where the caret is set
            raise error
        if option.effect is Effect.NOTICE:
            notices.append(f"option {option.name}: {option.reason}")
    for option in declared:
        if option.name in given_as and option.only_if is not None:
            other, wanted = option.only_if
            if values[other] != wanted:
                raise OptionError(
                    given_as[option.name], f"option {option.name} applies only with {other} = {_shown(wanted)}",
                    code="option_not_applicable",
                )  # fmt: skip
    return Options(values, frozenset(given_as)), notices


def _listed(declared: tuple[Option, ...]) -> str:
    return f"available are {', '.join(option.name for option in declared if option.effect is Effect.HONOURED)}"


def _convert(option: Option, written: str, value: object) -> object:
    if isinstance(value, HparamRange | HparamCandidates):
        raise OptionError(
            written, f"option {option.name} must be a single value", code="option_not_supported",
            hint="hyperparameter tuning is not available in this release; give one value",
        )  # fmt: skip
    if value is None:
        return option.default
    try:
        return option.type.convert(value)
    except ValueError as error:
        raise OptionError(written, f"option {option.name} {error}, got {_shown(value)}") from None


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return "NULL" if value is None else {True: "TRUE", False: "FALSE"}[value] if isinstance(value, bool) else repr(value)


def _range(limits: Float | Integer) -> str:
    parts = [
        f"{sign} {limit if isinstance(limit, int) else format(limit, 'g')}"
        for sign, limit in ((">=", limits.ge), (">", limits.gt), ("<=", limits.le), ("<", limits.lt))
        if limit is not None
    ]
    return f" {' and '.join(parts)}" if parts else ""


def _check_range(limits: Float | Integer, value: float) -> None:
    outside = (
        (limits.ge is not None and value < limits.ge)
        or (limits.gt is not None and value <= limits.gt)
        or (limits.le is not None and value > limits.le)
        or (limits.lt is not None and value >= limits.lt)
    )
    if outside:
        raise ValueError(f"must be{_range(limits)}")
