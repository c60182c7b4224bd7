"""What DuckDB's messages mean, as a table: which class, code, sentence and advice belong to which text. The first that fits counts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlml.errors import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Errors of these kinds (any kind when empty) whose text has the pattern. `{name}` in message and hint is the pattern's group."""

    kinds: tuple[str, ...]
    pattern: str
    error: type[Error]
    code: str
    message: str | None = None
    """None keeps DuckDB's own sentence."""
    hint: str | None = None


_CARRYING_OUT = ("io", "out of memory", "transactioncontext", "fatal", "")
_INVALID = ("invalid input", "binder", "invalid configuration", "parameter not resolved", "parameter not allowed")
RULES = (
    Rule(_CARRYING_OUT, r'Could not write file "(?P<path>[^"\n]*)": (?:No space left on device|File too large|Disk quota exceeded)',
          OperationalError, "disk_full", 'there is no room for "{path}" on its disk',
          "free some space there; what was committed before is safe, and if every statement fails now, open the database again"),
    Rule(("", "fatal", "internal", "io", "serialization", "transactioncontext"),
          r"Corrupt (?:database|WAL) file|Failure while replaying WAL|Could not read enough bytes from file|remaining in MetadataReader",
          OperationalError, "damaged_file", None, "the database file or its .wal is damaged; restore both from a copy made at one time"),
    Rule(_CARRYING_OUT, r"No space left|disk is full|not enough space on the disk|File too large|Disk quota exceeded",
          OperationalError, "disk_full", "the disk is full",
          "free some space, or let temp_directory point to a larger disk"),
    Rule(_CARRYING_OUT, r"max_temp_directory_size", OperationalError, "disk_full",
          "the room for temporary files is used up",
          "raise max_temp_directory_size or memory_limit, or let temp_directory point to a larger disk"),
    Rule(("interrupt",), "", OperationalError, "cancelled", "the statement was cancelled"),
    Rule(("out of memory",), "", OperationalError, "out_of_memory", "the statement needs more memory than it may have",
          "raise memory_limit, or set temp_directory so that it can go to disk"),

    Rule(("parser", "syntax"), "", ProgrammingError, "syntax_error"),
    Rule(("binder",), r'Referenced (?:update )?column "?(?P<name>.+?)"? (?:was )?not found', ProgrammingError, "unknown_column",
          'unknown column "{name}"'),
    Rule(("binder",), r'(?:Table|Values list) "(?P<table>[^"\n]+)" does not have a column (?:named|with name) "(?P<name>[^"\n]+)"',
          ProgrammingError, "unknown_column", '"{table}" has no column "{name}"'),
    Rule(("binder",), r'Column "(?P<name>[^"\n]+)" in EXCLUDE list not found', ProgrammingError, "unknown_column",
          'unknown column "{name}"'),
    Rule(("binder",), r'Referenced table "(?P<name>[^"\n]+)" not found', ProgrammingError, "unknown_table", 'unknown table "{name}"'),
    Rule(("binder",), r"Cannot extract field '(?P<name>[^'\n]*)' from expression", ProgrammingError, "unknown_column",
          'there is no field "{name}": the value is no STRUCT'),
    Rule(("binder",), r'Could not find key "(?P<name>[^"\n]*)" in struct', ProgrammingError, "unknown_column",
          'the STRUCT has no field "{name}"'),
    Rule(("binder",), r'Ambiguous reference to column name "(?P<name>[^"\n]+)"', ProgrammingError, "ambiguous_column",
          'column "{name}" is in more than one table', "write table.column"),
    Rule(("binder",), r"No function matches the given name and argument types '(?P<call>[^\n]*?)'\.", ProgrammingError,
          "function_arguments", "no function {call}"),
    Rule(("binder",), r"Parameter/argument count mismatch", ProgrammingError, "excess_parameter",
          "values were given for parameters that the statement does not have"),
    Rule(("binder",), r"Unexpected prepared parameter", ProgrammingError, "parameter_not_allowed", "this statement takes no parameters"),
    Rule(("invalid input",), r"excess parameters: (?P<names>.*)", ProgrammingError, "excess_parameter",
          "values were given for parameters that the statement does not have: {names}"),
    Rule(("invalid input",), r"Values were not provided for the following parameters: (?P<names>.*)", ProgrammingError,
          "missing_parameter", "no value was given for parameter {names}"),
    Rule(("not implemented", "invalid input"), r"Unable to transform python value of type '<class '(?P<type>[^']*)'>'",
          ProgrammingError, "parameter_type", "a parameter is a Python {type}, which has no SQL type"),
    Rule(("invalid input",), r"Python Conversion Failure: cannot encode", ProgrammingError, "parameter_type",
          "a parameter has characters that are no Unicode text"),
    Rule(("catalog",), r"Function with name (?P<name>\S+) does not exist", ProgrammingError, "unknown_function",
          'unknown function "{name}"'),
    Rule(("catalog",), r'(?:Table|View) with name "?(?P<name>[^\s"]+)"? does not exist', ProgrammingError, "unknown_table",
          'unknown table "{name}"'),
    Rule(("catalog",), r"Type with name (?P<name>\S+) does not exist", ProgrammingError, "unknown_type", 'unknown type "{name}"'),
    Rule(("catalog",), r'Schema with name (?P<name>\S+) does not exist', ProgrammingError, "unknown_schema",
          'unknown schema "{name}"'),
    Rule(("catalog",), r'No catalog \+ schema named "(?P<name>[^"\n]+)" found', ProgrammingError, "unknown_schema",
          'unknown schema "{name}"'),
    Rule(("catalog",), r'unrecognized configuration parameter "(?P<name>[^"\n]+)"', ProgrammingError, "unknown_setting",
          'unknown setting "{name}"'),
    Rule(("catalog",), r"already exists", ProgrammingError, "already_exists"),
    Rule(("catalog",), r"in-memory database in read-only mode", OperationalError, "cannot_open",
          "a database in memory cannot be opened read-only"),

    Rule(("constraint",), "", IntegrityError, "constraint_violation"),
    Rule(("transactioncontext",), r"Current transaction is aborted", OperationalError, "transaction_aborted",
          "the transaction has failed: no statement but ROLLBACK is possible in it"),
    Rule(("transactioncontext",), r"no transaction is active", ProgrammingError, "no_transaction", "no transaction is open"),
    Rule(("transactioncontext",), r"transaction within a transaction", ProgrammingError, "transaction_open",
          "a transaction is open already"),
    Rule(("transactioncontext",), r"single attached database", NotSupportedError, "one_database_per_transaction",
          "one transaction can write to one database only", "commit first, or write to the other database in a transaction of its own"),
    Rule(("transactioncontext",), r"violation|constraint failed|duplicate key", IntegrityError, "constraint_violation"),
    Rule(("transactioncontext",), r"[Cc]onflict", IntegrityError, "transaction_conflict", "another transaction has changed the same data",
          "run it again"),
    Rule(("transactioncontext",), "", OperationalError, "transaction_failed"),

    Rule(("invalid input", "transactioncontext"), r'on database "(?P<name>[^"\n]+)" which is attached in read-only mode',
          OperationalError, "read_only", 'database "{name}" is read-only'),
    Rule(("io",), r'Could not set lock on file "(?P<path>.*?)": Conflicting lock is held.*?PID (?P<pid>\d+)', OperationalError,
          "file_locked",
          'the database "{path}" is in use by another process (PID {pid})', "close it there, or open it read-only in both"),
    Rule(("io",), r"Could not set lock|being used by another process", OperationalError, "file_locked",
          "the database is in use by another process", "close it there, or open it read-only in both"),
    Rule(("io",), r'The file "(?P<path>.*?)" exists, but it is not a valid DuckDB', OperationalError, "not_a_database",
          '"{path}" is not a database file'),
    Rule(("io",), r'Cannot open database "(?P<path>.*?)" in read-only mode: database does not exist', OperationalError, "file_not_found",
          'there is no database "{path}"'),
    Rule(("io",), r'No files found that match the pattern "(?P<path>.*?)"', OperationalError, "file_not_found",
          'no file matches "{path}"'),
    Rule(("io",), r'"(?P<path>[^"\n]*)": No such file or directory', OperationalError, "file_not_found",
          'cannot open "{path}": no such file or directory'),
    Rule(("io",), r"Permission denied", OperationalError, "permission_denied", None,
          "a database that you may only read can be opened read-only"),
    Rule(("io", "http", "missing extension", "autoload", ""),
          r'Extension "(?:[^"\n]*[/\\])?(?P<extension>\w+)(?:\.\w+)*" not found', OperationalError, "missing_extension",
          "the database extension {extension} is not installed", "INSTALL {extension}"),
    Rule(("io", "http", "missing extension", "autoload", ""),
          r"the required extension '(?P<extension>\w+)|Failed to download extension \"(?P<other>\w+)",
          OperationalError, "missing_extension", "the database extension {extension}{other} is not installed and could not be downloaded"),
    Rule(("invalid input", ""), r"Required module '(?P<module>\w+)' failed to import", OperationalError, "missing_package",
          "values of this type need the Python package {module}", "pip install {module}"),
    Rule(("connection",), r"already closed", InterfaceError, "connection_closed", "the connection is closed"),
    Rule(("connection",), r"different configuration", OperationalError, "configuration_conflict",
          "the database is open in this process with another configuration", "open it the same way (read_only, config), or close it there"),
    Rule(("resource in use", "binder"), r'database file "(?P<path>[^"\n]*)" is already attached by database "(?P<name>[^"\n]*)"',
          OperationalError, "already_attached", '"{path}" is attached already in this process, as "{name}"',
          "use it there, or detach it first"),
    Rule(("resource in use",), "", OperationalError, "connection_busy",
          "the connection has a result of another statement that was not read"),
    Rule(("permission",), "", OperationalError, "permission_denied"),
    Rule(("io",), "", OperationalError, "io_error"),
    Rule(("http", "network"), "", OperationalError, "network_error"),

    Rule(("invalid input", "out of range", "divide by zero"), r"^[Dd]ivision by zero", DataError, "division_by_zero"),
    Rule(("invalid input",), r"^\[array_length\] (?P<sentence>(?s:.+))", DataError, "array_length", "{sentence}",
          "leave other rows out, or make their arrays NULL"),
    Rule(("invalid input",), r"More than one row returned by a subquery", DataError, "several_rows",
          "scalar subquery produced more than one element", "take one row with LIMIT 1, or one value with MAX or ANY_VALUE"),
    Rule(("conversion",), "", DataError, "conversion_error"),
    Rule(("out of range",), "", DataError, "out_of_range"),
    Rule(("mismatch type", "type mismatch"), "", DataError, "type_mismatch"),
    Rule(("sequence",), "", DataError, "sequence_exhausted"),
    Rule(("not implemented",), "", NotSupportedError, "not_supported"),
    Rule(("dependency",), "", ProgrammingError, "dependency"),
    Rule(("internal", "fatal"), "", InternalError, "engine_internal", None, "close the database and open it again"),
    Rule(("catalog", "invalid type", "settings", *_INVALID), "", ProgrammingError, "engine_error"),
    Rule((), "", OperationalError, "engine_error"),
)  # fmt: skip
