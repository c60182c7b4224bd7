"""INTERVAL: how it is made and brought into shape."""

from __future__ import annotations

from sqlglot import exp

from sqlml.bigquery.moments import INTERVAL, cast, fn
from sqlml.bigquery.translation import Call, Example, Translation, render

_PARTS = ("year", "month", "day", "hour", "minute", "second")


def _make(call: Call) -> str:
    given: dict[str, str] = {}
    for index, argument in enumerate(call.arguments):
        name = _PARTS[index]
        value = argument
        if isinstance(argument, exp.Kwarg):
            name, value = argument.this.name.lower(), argument.expression
        if name not in _PARTS or name in given:
            call.fail(f"MAKE_INTERVAL has no argument {name}" if name not in _PARTS else f"{name} is given twice")
        given[name] = render(value)
    values = [given.get(name, "0") for name in _PARTS]
    seconds = f"{values[3]} * 3600 + {values[4]} * 60 + {values[5]}"
    return _interval(f"{values[0]} * 12 + {values[1]}", values[2], f"({seconds}) * 1000000")


def _interval(months: str, days: str, micros: str) -> str:
    return cast(f"{fn('to_months', months)} + {fn('to_days', days)} + {fn('to_microseconds', micros)}", INTERVAL)


def _pieces(text: str) -> tuple[str, str, str]:
    """Months, days and microseconds of an INTERVAL; each has its own sign."""

    def part(name: str) -> str:
        return fn("date_part", f"'{name}'", f"CAST({text} AS INTERVAL)")

    months = f"({part('year')} * 12 + {part('month')})"
    micros = f"({part('hour')} * 3600000000 + {part('minute')} * 60000000 + {part('microsecond')})"
    return months, part("day"), micros


_DAY = 86400 * 10**6


def _justify_hours(call: Call) -> str:
    months, days, micros = _pieces(call.sql(0))
    total = f"({days} * CAST({_DAY} AS HUGEINT) + {micros})"
    return _interval(months, *_cut(total))


def _justify_days(call: Call) -> str:
    months, days, micros = _pieces(call.sql(0))
    total = f"({months} * 30 + {days})"
    return _interval(f"{total} // 30", f"{total} % 30", micros)


def _justify_interval(call: Call) -> str:
    months, days, micros = _pieces(call.sql(0))
    total = f"(({months} * 30 + {days}) * CAST({_DAY} AS HUGEINT) + {micros})"
    return _interval(f"CAST({total} // {_DAY * 30} AS BIGINT)", *_cut(f"({total} % {_DAY * 30})"))


def _cut(total: str) -> tuple[str, str]:
    return f"CAST({total} // {_DAY} AS BIGINT)", f"CAST({total} % {_DAY} AS BIGINT)"


ROWS = (
    Translation(
        "MAKE_INTERVAL", "MAKE_INTERVAL([year][, month][, day][, hour][, minute][, second])", _make, arity=(0, 6),
        examples=(
            Example("EXTRACT(MONTH FROM MAKE_INTERVAL(1, 6, 15))", "6"), Example("EXTRACT(YEAR FROM MAKE_INTERVAL(1, 6, 15))", "1"),
            Example("EXTRACT(HOUR FROM MAKE_INTERVAL(hour => 10, second => 20))", "10"),
            Example("EXTRACT(SECOND FROM MAKE_INTERVAL(hour => 10, second => 20))", "20"),
            Example("EXTRACT(DAY FROM MAKE_INTERVAL(1, day => 5, minute => 12))", "5"),
            Example("DATETIME '2024-01-31' + MAKE_INTERVAL(month => 1)", "2024-02-29 00:00:00"),
        ),
    ),
    Translation(
        "JUSTIFY_HOURS", "JUSTIFY_HOURS(interval)", _justify_hours,
        examples=(
            Example("EXTRACT(DAY FROM JUSTIFY_HOURS(INTERVAL 23 HOUR))", "0"),
            Example("EXTRACT(DAY FROM JUSTIFY_HOURS(INTERVAL 24 HOUR))", "1"),
            Example("EXTRACT(HOUR FROM JUSTIFY_HOURS(INTERVAL 47 HOUR))", "23"),
            Example("EXTRACT(DAY FROM JUSTIFY_HOURS(INTERVAL -12345 MINUTE))", "-8"),
        ),
    ),
    Translation(
        "JUSTIFY_DAYS", "JUSTIFY_DAYS(interval)", _justify_days,
        examples=(
            Example("EXTRACT(MONTH FROM JUSTIFY_DAYS(INTERVAL 29 DAY))", "0"),
            Example("EXTRACT(MONTH FROM JUSTIFY_DAYS(INTERVAL -30 DAY))", "-1"),
            Example("EXTRACT(DAY FROM JUSTIFY_DAYS(INTERVAL -65 DAY))", "-5"),
        ),
    ),
    Translation(
        "JUSTIFY_INTERVAL", "JUSTIFY_INTERVAL(interval)", _justify_interval,
        examples=(
            Example("EXTRACT(MONTH FROM JUSTIFY_INTERVAL(INTERVAL '29 49:00:00' DAY TO SECOND))", "1"),
            Example("EXTRACT(DAY FROM JUSTIFY_INTERVAL(INTERVAL '29 49:00:00' DAY TO SECOND))", "1"),
            Example("EXTRACT(HOUR FROM JUSTIFY_INTERVAL(INTERVAL '29 49:00:00' DAY TO SECOND))", "1"),
        ),
    ),
)  # fmt: skip
