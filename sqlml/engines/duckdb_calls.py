"""The frame from which the database library is called.

For a table that it does not know, the library looks among the local and global Python variables of the function that called it. A query on
a missing table `rows` must say so, and must not find a variable of ours; so this module has no imports (its types are in the stub), and
nothing but one function whose names nobody gives to a table.
"""


def _sqlml_call(_sqlml_function, /, *_sqlml_arguments, **_sqlml_keywords):
    return _sqlml_function(*_sqlml_arguments, **_sqlml_keywords)
