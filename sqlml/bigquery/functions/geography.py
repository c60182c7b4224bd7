"""Geography: points on the sphere of radius 6371010 m, in DuckDB's type GEOMETRY. Shapes other than points are read and written only."""

from __future__ import annotations

from sqlml.bigquery.translation import Call, Example, Translation

_RADIUS = "6371010e0"
_ALPHABET = "'0123456789bcdefghjkmnpqrstuvwxyz'"


def _point(call: Call) -> str:
    """Longitudes are brought into ±180 degrees, latitudes must lie in ±90."""
    longitude, latitude = (f"CAST({value} AS DOUBLE)" for value in call.sqls)
    wrapped = (
        f"CASE WHEN system.main.abs({longitude}) <= 180 THEN {longitude} ELSE {longitude} - 360 * system.main.round({longitude} / 360) END"
    )
    return (
        f"CASE WHEN NOT system.main.abs({latitude}) <= 90 OR NOT system.main.isfinite({longitude})"
        f" THEN system.main.error('the latitude of ST_GEOGPOINT must be from -90 to 90, its longitude a number')"
        f" ELSE CAST('POINT(' || ({wrapped}) || ' ' || {latitude} || ')' AS GEOMETRY) END"
    )


def _axis(value: str, index: int) -> str:
    """SQL (DOUBLE) of the longitude (1) or latitude (2) of a point; an error for another shape."""
    text = f"system.main.st_astext({value})"
    number = f"system.main.regexp_extract({text}, '^POINT \\(([^ ]+) ([^ )]+)\\)$', {index})"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN system.main.starts_with({text}, 'POINT (') THEN CAST({number} AS DOUBLE)"
        f" ELSE system.main.error('sqlml measures points only, got ' || {text}) END"
    )


def _distance_sql(first: str, second: str) -> str:
    """Metres along the great circle, by the formula that is exact for near points too."""
    longitudes = [f"system.main.radians({_axis(value, 1)})" for value in (first, second)]
    latitudes = [f"system.main.radians({_axis(value, 2)})" for value in (first, second)]
    half = [f"system.main.pow(system.main.sin(({pair[1]} - {pair[0]}) / 2), 2)" for pair in (latitudes, longitudes)]
    haversine = f"{half[0]} + system.main.cos({latitudes[0]}) * system.main.cos({latitudes[1]}) * {half[1]}"
    return f"(2 * {_RADIUS} * system.main.asin(system.main.sqrt(CASE WHEN {haversine} > 1 THEN 1e0 ELSE {haversine} END)))"


def _distance(call: Call) -> str:
    return _distance_sql(*call.sqls)


def _within(call: Call) -> str:
    return f"({_distance_sql(*call.sqls[:2])} <= {call.sql(2)})"


def _text(call: Call) -> str:
    """Without the space that DuckDB puts behind the name of the shape."""
    return f"system.main.regexp_replace(system.main.st_astext({call.sql(0)}), '([A-Z]) \\(', '\\1(', 'g')"


def _read(call: Call) -> str:
    return f"CAST({call.sql(0)} AS GEOMETRY)"


def _hash(call: Call) -> str:
    """Bits of longitude and latitude in turn, five to a character of base 32."""
    longitude, latitude = _axis(call.sql(0), 1), _axis(call.sql(0), 2)
    size = call.sql(1) if len(call) > 1 else "CAST(20 AS BIGINT)"
    # 2 ** 50 steps: as many bits as twenty characters have of either.
    steps = [
        f"CAST(system.main.least(1125899906842623, system.main.floor(({value} + {half}) / {2 * half} * 1125899906842624e0)) AS BIGINT)"
        for value, half in ((longitude, 180), (latitude, 90))
    ]
    # Bit b of the hash (from 0) is bit b // 2 of the longitude where b is even, else of the latitude.
    bits = [
        f"(({steps[0]} >> (49 - (5 * __sqlml_k + {b}) // 2)) & 1) * (1 - (5 * __sqlml_k + {b}) % 2)"
        f" + (({steps[1]} >> (49 - (5 * __sqlml_k + {b}) // 2)) & 1) * ((5 * __sqlml_k + {b}) % 2)"
        for b in range(5)
    ]
    code = " + ".join(f"({bit}) * {16 >> index}" for index, bit in enumerate(bits))
    characters = (
        f"system.main.list_transform(system.main.range(system.main.least(20, {size})),"
        f" lambda __sqlml_k: system.main.substring({_ALPHABET}, CAST({code} AS BIGINT) + 1, 1))"
    )
    return (
        f"CASE WHEN {size} <= 0 THEN system.main.error('the length of ST_GEOHASH must be positive')"
        f" WHEN {call.sql(0)} IS NOT NULL AND {size} IS NOT NULL THEN system.main.array_to_string({characters}, '') END"
    )


ROWS = (
    Translation(
        "ST_GEOGPOINT", "ST_GEOGPOINT(longitude, latitude)", _point,
        (
            Example("ST_ASTEXT(ST_GEOGPOINT(-122.35, 47.62))", "POINT(-122.35 47.62)"), Example("ST_GEOGPOINT(NULL, 1)", "NULL"),
            Example("ST_ASTEXT(ST_GEOGPOINT(190, 0))", "POINT(-170 0)"), Example("SAFE.ST_GEOGPOINT(0, 91)", "NULL"),
        ),
        arity=(2, 2),
    ),
    *(
        Translation(
            name, f"{name}(text)", _read, (Example(f"ST_ASTEXT({name}('POINT(1 2)'))", "POINT(1 2)"), Example(f"SAFE.{name}('x')", "NULL")),
            differs="edges are straight lines of the plane; no further arguments",
        )
        for name in ("ST_GEOGFROMTEXT", "ST_GEOGFROM")
    ),
    Translation("ST_ASTEXT", "ST_ASTEXT(geography)", _text, (Example("ST_ASTEXT(ST_GEOGPOINT(1, 2))", "POINT(1 2)"),)),
    Translation("ST_X", "ST_X(point)", lambda call: _axis(call.sql(0), 1), (Example("ST_X(ST_GEOGPOINT(1.5, 2))", "1.5"),)),
    Translation("ST_Y", "ST_Y(point)", lambda call: _axis(call.sql(0), 2), (Example("ST_Y(ST_GEOGPOINT(1.5, 2))", "2.0"),)),
    Translation(
        "ST_DISTANCE", "ST_DISTANCE(point, point)", _distance,
        (
            Example("ROUND(ST_DISTANCE(ST_GEOGPOINT(0, 0), ST_GEOGPOINT(0, 90)) * 2 / ACOS(-1))", "6371010.0"),
            Example("ST_DISTANCE(ST_GEOGPOINT(5, 5), ST_GEOGPOINT(5, 5))", "0.0"), Example("ST_DISTANCE(ST_GEOGPOINT(5, 5), NULL)", "NULL"),
        ),
        arity=(2, 2), differs="between points only",
    ),
    Translation(
        "ST_DWITHIN", "ST_DWITHIN(point, point, metres)", _within,
        (Example("ST_DWITHIN(ST_GEOGPOINT(0, 0), ST_GEOGPOINT(0, 1), 111200)", "true"), Example("ST_DWITHIN(ST_GEOGPOINT(0, 0), ST_GEOGPOINT(0, 1), 111000)", "false")),
        arity=(3, 3), differs="of points only",
    ),
    Translation(
        "ST_GEOHASH", "ST_GEOHASH(point[, length])", _hash,
        (
            Example("ST_GEOHASH(ST_GEOGPOINT(-122.35, 47.62), 10)", "c22yzugqw7"), Example("ST_GEOHASH(ST_GEOGPOINT(-122.35, 47.62), 5)", "c22yz"),
            Example("LENGTH(ST_GEOHASH(ST_GEOGPOINT(1, 1)))", "20"), Example("ST_GEOHASH(NULL, 3)", "NULL"),
        ),
        arity=(1, 2),
    ),
)  # fmt: skip
