"""What is no function, in words: parts of queries and statements with an example of each, what differs from BigQuery, and what is refused.

The rules themselves are in `rules`; this is what `docs/bigquery.md` says of them. The examples are tested as those of the table are.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlml.bigquery.translation import Example


@dataclass(frozen=True, slots=True)
class Construct:
    """A part of the language that is available.

    Its example is an expression with its value, or statements that run one after the other.
    """

    name: str
    example: Example | None
    says: str
    """What becomes of it, and what differs."""
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of the language that is not available."""

    name: str
    example: str
    """A statement that is refused."""
    instead: str


def _e(sql: str, value: str) -> Example:
    return Example(sql, value)


QUERIES = (
    Construct(
        "WITH, subqueries, set operations",
        _e("(WITH a AS (SELECT 1 AS x UNION ALL SELECT 2) SELECT SUM(x) FROM a)", "3"),
        "As in BigQuery. NULL is sorted first, or last with DESC.",
    ),
    Construct(
        "GROUP BY a name of the select list",
        _e("(SELECT AS STRUCT UPPER(x) AS x, COUNT(*) AS n FROM UNNEST(['a', 'A']) AS x GROUP BY x)", "{x: A, n: 2}"),
        "The name comes before a column of that name.",
    ),
    Construct(
        "QUALIFY",
        _e("(SELECT x FROM UNNEST([3, 1, 2]) AS x WHERE TRUE QUALIFY ROW_NUMBER() OVER (ORDER BY x DESC) = 1)", "3"),
        "As in BigQuery.",
    ),
    Construct(
        "SELECT * EXCEPT, REPLACE",
        _e("(SELECT AS STRUCT * EXCEPT (b) REPLACE (a + 1 AS a) FROM (SELECT 1 AS a, 2 AS b))", "{a: 2}"),
        "As in BigQuery.",
    ),
    Construct(
        "SELECT AS STRUCT, SELECT AS VALUE",
        _e("(SELECT AS STRUCT 1 AS a, 'x' AS b)", "{a: 1, b: x}"),
        "Fields without a name are `_field_1`, `_field_2` …",
    ),
    Construct(
        "UNNEST, WITH OFFSET",
        _e("(SELECT STRING_AGG(CONCAT(e, o), ' ' ORDER BY o) FROM UNNEST(['a', 'b']) AS e WITH OFFSET AS o)", "a0 b1"),
        "The alias is the element, and the fields of a STRUCT are columns beside it. `SELECT *` needs an array whose text says what its elements are.",
    ),
    Construct(
        "UNNEST of structs, as of predicted_label_probs",
        _e("(SELECT prob FROM UNNEST([STRUCT('a' AS label, 0.9 AS prob), ('b', 0.1)]) WHERE label = 'b')", "0.1"),
        "As in BigQuery.",
    ),
    Construct(
        "PIVOT",
        _e(
            "(SELECT AS STRUCT * FROM (SELECT 'Q1' AS q, 1 AS v UNION ALL SELECT 'Q2', 2) PIVOT (SUM(v) AS s FOR q IN ('Q1', 'Q2' AS second)))",
            "{s_Q1: 1, s_second: 2}",
        ),
        "Written as an aggregate with a condition for each column.",
    ),
    Construct("UNPIVOT", _e("(SELECT SUM(v) FROM (SELECT 1 AS q1, 2 AS q2) UNPIVOT (v FOR q IN (q1, q2)))", "3"), "Into one column."),
    Construct(
        "Windows",
        _e(
            "(SELECT SUM(s) FROM (SELECT SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM UNNEST([1, 2, 3]) AS x))",
            "9",
        ),
        "Frames of rows and of values, named windows, IGNORE NULLS.",
    ),
    Construct(
        "Pipe syntax",
        None,
        "`FROM t |> WHERE … |> AGGREGATE … GROUP BY … |> ORDER BY … |> LIMIT …`; not CALL and ASSERT.",
        ("FROM (SELECT 1 AS x UNION ALL SELECT 2) AS t |> WHERE x > 1 |> AGGREGATE COUNT(*) AS n",),
    ),
    Construct(
        "TABLESAMPLE",
        None,
        "`TABLESAMPLE SYSTEM (10 PERCENT)`: whole blocks of rows, which are DuckDB's.",
        ("CREATE TABLE sampled AS SELECT 1 AS x", "SELECT * FROM sampled TABLESAMPLE SYSTEM (100 PERCENT)"),
    ),
    Construct(
        "Names of tables",
        None,
        "`project.dataset.table`: a dataset is a schema. A project that is no attached database means the current one; the setting `projects` says where"
        " else a project or dataset leads. Names with dashes and dots stand in backticks.",
        ("CREATE SCHEMA ds", "CREATE TABLE `some-project.ds.t` AS SELECT 1 AS x", "SELECT x FROM `some-project.ds.t`"),
    ),
    Construct(
        "Wildcard tables",
        None,
        "``FROM `ds.events_*` `` reads all tables whose names begin so, by the names of their columns; `_TABLE_SUFFIX` is the rest of the name.",
    ),
    Construct(
        "INFORMATION_SCHEMA",
        None,
        "`ds.INFORMATION_SCHEMA.TABLES`, `COLUMNS`, `SCHEMATA`, `VIEWS`, `MODELS` of one dataset; types by BigQuery's names.",
        ("SELECT table_name FROM main.INFORMATION_SCHEMA.TABLES",),
    ),
    Construct("_PARTITIONTIME, _PARTITIONDATE", None, "Columns of that name, where a partitioned Parquet data set or a table offers them."),
)

EXPRESSIONS = (
    Construct("Operators", _e("7 / 2", "3.5"), "`/` gives FLOAT64, and division by zero is an error. INT64 that does not fit is an error."),
    Construct(
        "LIKE", _e(r"'a_c' LIKE r'a\_c'", "true"), "A backslash takes the meaning from `_` and `%`. `LIKE ANY`, `LIKE ALL` with a list."
    ),
    Construct(
        "CASE, IN, BETWEEN, IS", _e("CASE WHEN 2 IN UNNEST([1, 2]) THEN 'in' END", "in"), "As in BigQuery, with `IS [NOT] DISTINCT FROM`."
    ),
    Construct(
        "CAST, SAFE_CAST",
        _e("CAST(2.5 AS INT64)", "3"),
        "Halves go away from zero; FLOAT64 as text has no `.0`; SAFE_CAST gives NULL for what cannot be.",
    ),
    Construct("SAFE.", _e("SAFE.SUBSTR('foo', 0, -2)", "NULL"), "NULL instead of an error of that function; errors of its arguments stay."),
    Construct(
        "EXTRACT",
        _e("EXTRACT(WEEK(MONDAY) FROM DATE '2026-01-05')", "1"),
        "Every part: DAYOFWEEK from 1 (Sunday), WEEK, WEEK(day), ISOWEEK, ISOYEAR, DATE, TIME, with `AT TIME ZONE`.",
    ),
    Construct(
        "INTERVAL", _e("DATE '2026-01-31' + INTERVAL 1 MONTH", "2026-02-28 00:00:00"), "Also `INTERVAL '1-2 3 4:5:6' YEAR TO SECOND`."
    ),
    Construct(
        "STRUCT, ( , )",
        _e("STRUCT(1 AS a, 'x' AS b).b", "x"),
        "`STRUCT<a INT64>(1)` as well. What a query makes with STRUCT or brackets meets other STRUCTs by position; columns that are STRUCTs are "
        "brought together by the names of their fields, as in DuckDB.",
    ),
    Construct(
        "ARRAY, subscripts",
        _e("[10, 20][ORDINAL(2)]", "20"),
        "OFFSET, ORDINAL, SAFE_OFFSET, SAFE_ORDINAL; a place that is not there is an error, or NULL for SAFE.",
    ),
    Construct(
        "ARRAY(SELECT …), EXISTS, scalar subqueries",
        _e("ARRAY(SELECT x * 2 FROM UNNEST([1, 2]) AS x ORDER BY x DESC)", "[4, 2]"),
        "As in BigQuery.",
    ),
    Construct(
        "Literals",
        _e(r"""CONCAT(r'\d', "it's", FORMAT('%d', 0x1F))""", r"\dit's31"),
        "Raw, triple-quoted and byte strings, hexadecimal integers, typed literals (`DATE '…'`, `TIMESTAMP '…'`, `NUMERIC '…'`, `JSON '…'`).",
    ),
    Construct("Parameters", None, "`@name` and `?`."),
    Construct("Comments", _e("1 /* one */ + 1 # two", "2"), "`--`, `#` and `/* */`."),
)

STATEMENTS = (
    Construct(
        "CREATE TABLE, VIEW, SCHEMA",
        None,
        "OPTIONS have no effect and a notice says so. PARTITION BY and CLUSTER BY become the order of the rows of a table that is made of a query."
        " TEMP tables, IF NOT EXISTS, OR REPLACE, LIKE, CLONE, defaults, NOT NULL; keys are read and not enforced, as in BigQuery.",
        (
            "CREATE OR REPLACE TABLE made (a INT64 NOT NULL, b ARRAY<STRUCT<c STRING>>) CLUSTER BY a",
            "CREATE OR REPLACE VIEW seen AS SELECT a FROM made",
        ),
    ),
    Construct(
        "CREATE FUNCTION",
        None,
        "A body in SQL becomes a macro; `CREATE TEMP FUNCTION` as well.",
        ("CREATE TEMP FUNCTION twice(x INT64) RETURNS INT64 AS (x * 2)",),
    ),
    Construct(
        "INSERT, UPDATE, DELETE, TRUNCATE, MERGE",
        None,
        "As in BigQuery; MERGE with all kinds of WHEN and INSERT ROW.",
        (
            "CREATE TABLE kept AS SELECT 1 AS id, 'a' AS v",
            "INSERT INTO kept (id, v) VALUES (2, 'b')",
            "UPDATE kept SET v = 'c' WHERE id = 2",
            "MERGE kept AS t USING (SELECT 1 AS id, 'z' AS v) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT ROW",
            "DELETE FROM kept WHERE id = 1",
            "TRUNCATE TABLE kept",
        ),
    ),
    Construct(
        "ALTER TABLE, DROP",
        None,
        "A column added, dropped or renamed, a table renamed; one change in a statement.",
        (
            "CREATE TABLE changed (a INT64)",
            "ALTER TABLE changed ADD COLUMN b STRING",
            "ALTER TABLE changed RENAME TO changed_again",
            "DROP TABLE changed_again",
        ),
    ),
    Construct("EXPORT DATA, LOAD DATA", None, "Local files as CSV, JSON and Parquet; `*` in the uri is written as one file."),
    Construct("Transactions", None, "`BEGIN TRANSACTION`, `COMMIT TRANSACTION`, `ROLLBACK TRANSACTION`."),
    Construct(
        "Statements of the engine",
        None,
        "ATTACH, USE, SET, SHOW, DESCRIBE, PRAGMA, INSTALL and LOAD of an extension reach DuckDB as they are written.",
    ),
)

TYPES = (
    ("INT64", "BIGINT", ""),
    ("FLOAT64", "DOUBLE", ""),
    ("NUMERIC", "DECIMAL(38, 9)", ""),
    ("BIGNUMERIC", "DECIMAL(38, 18)", "38 digits in all, where BigQuery has 76"),
    ("BOOL", "BOOLEAN", ""),
    ("STRING", "VARCHAR", ""),
    ("BYTES", "BLOB", ""),
    ("DATE", "DATE", ""),
    ("DATETIME", "TIMESTAMP", ""),
    ("TIME", "TIME", ""),
    ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "shown in UTC: the connection's TimeZone is 'UTC'"),
    ("ARRAY<T>", "T[]", "may hold NULL, and arrays"),
    ("STRUCT<a T>", "STRUCT(a T)", ""),
    ("JSON", "JSON", ""),
    ("INTERVAL", "INTERVAL", ""),
)
"""BigQuery's type, DuckDB's, and what differs."""

REFUSED = (
    Refused(
        "Scripts with variables and blocks",
        "DECLARE x INT64",
        "DECLARE, SET of variables, IF, LOOP, WHILE, FOR, BEGIN … END, CALL, EXECUTE IMMEDIATE:"
        " write the statements one after the other, and pass values as parameters.",
    ),
    Refused("Procedures", "CREATE PROCEDURE p() BEGIN SELECT 1; END", "write the statements of the procedure"),
    Refused(
        "Functions in another language", 'CREATE TEMP FUNCTION f(x INT64) RETURNS INT64 LANGUAGE js AS "return x"', "write the body in SQL"
    ),
    Refused("External tables and materialized views", "CREATE MATERIALIZED VIEW v AS SELECT 1 AS x", "CREATE VIEW, or CREATE TABLE … AS"),
    Refused("CAST with FORMAT", "SELECT CAST(d AS STRING FORMAT 'YYYY') FROM t", "FORMAT_DATE, PARSE_DATE and their like"),
    Refused("AT TIME ZONE outside of EXTRACT", "SELECT x AT TIME ZONE 'UTC' FROM t", "DATETIME(timestamp, 'America/New_York')"),
    Refused("UPDATE of a field of a STRUCT", "UPDATE t SET s.a = 1 WHERE TRUE", "set the whole STRUCT"),
    Refused(
        "RAND in OVER",
        "SELECT ROW_NUMBER() OVER (ORDER BY RAND()) AS n FROM t",
        "compute the number before: `FROM (SELECT *, RAND() AS r FROM t)`",
    ),
    Refused("STRUCT without fields", "SELECT STRUCT()", "give it one"),
    Refused(
        "Remote models",
        "CREATE MODEL m REMOTE WITH CONNECTION `us.c` OPTIONS (endpoint = 'x')",
        "there is no service to ask; train a model here",
    ),
    Refused("Files that are not local", "EXPORT DATA OPTIONS (uri = 'gs://bucket/x', format = 'CSV') AS SELECT 1", "a local path"),
    Refused(
        "A function that no table here knows", "SELECT NET.HOST(u) FROM t", "nothing is passed on in the hope that DuckDB means the same"
    ),
)
