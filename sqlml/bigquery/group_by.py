"""GROUP BY a name of the select list: in BigQuery the alias comes before a column of that name, in DuckDB behind it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

_GROUPS = (exp.Group, exp.Rollup, exp.Cube, exp.GroupingSets)


def prepare(selects: Iterable[exp.Select]) -> None:
    """Writes the place of the item, or the item itself, where its name stands."""
    for select in selects:
        group = select.args.get("group")
        if group is None:
            continue
        named = _named(select)
        for name in list(group.find_all(exp.Column, exp.Identifier)):
            above = name.parent
            while isinstance(above, exp.Paren | exp.Tuple):
                above = above.parent
            found = named.get(name.name.casefold())
            if found is None or (isinstance(name, exp.Column) and name.table) or not isinstance(above, _GROUPS):
                continue
            place, item = found
            # A place within ROLLUP and its like would be a number to group by.
            is_place = place is not None and isinstance(name.parent, exp.Group)
            name.replace(exp.Literal.number(place) if is_place else item.copy())


def _named(select: exp.Select) -> dict[str, tuple[int | None, exp.Expr]]:
    """The items whose names could lead elsewhere: their places, None behind a star, and what they are."""
    found: dict[str, tuple[int | None, exp.Expr]] = {}
    is_behind_star = False
    for place, item in enumerate(select.expressions, start=1):
        if isinstance(item, exp.Star) or (isinstance(item, exp.Column | exp.Dot) and item.find(exp.Star) is not None):
            is_behind_star = True
            continue
        expression = item.unalias()
        name = item.alias_or_name
        if name and not (
            isinstance(expression, exp.Column) and len(expression.parts) == 1 and expression.name.casefold() == name.casefold()
        ):
            found.setdefault(name.casefold(), (None if is_behind_star else place, expression))
    return found
