"""Text to nodes: `parse_script` reads a whole text, `split_statements` and `parse_statement` one statement after the other.

Statements about models are read by recursive descent over our own tokens; in any other statement only the ML functions are found, and
every other character stays as the user wrote it. A node is frozen, has the span of its text and says what was written: names are bound and
options checked in `plan`.
"""

from __future__ import annotations

from sqlml.syntax.nodes import (
    AlterModelOptions,
    CreateModel,
    DescribeModel,
    DescribeModelType,
    DropModel,
    IntervalText,
    MLCall,
    ModelName,
    OptionSetting,
    ParameterRef,
    Query,
    QueryArgument,
    SetDefaultVersion,
    ShowCreateModel,
    ShowModels,
    ShowModelTypes,
    ShowVersions,
    Statement,
    TableArgument,
    Value,
)
from sqlml.syntax.parameters import find_parameters
from sqlml.syntax.printing import print_name, print_statement, print_value
from sqlml.syntax.statements import is_complete, parse_query, parse_script, parse_statement, split_statements
from sqlml.syntax.tokens import DIALECTS, Token, TokenKind, tokenize
from sqlml.syntax.transform import parse_transform

__all__ = [
    "DIALECTS",
    "AlterModelOptions",
    "CreateModel",
    "DescribeModel",
    "DescribeModelType",
    "DropModel",
    "IntervalText",
    "MLCall",
    "ModelName",
    "OptionSetting",
    "ParameterRef",
    "Query",
    "QueryArgument",
    "SetDefaultVersion",
    "ShowCreateModel",
    "ShowModelTypes",
    "ShowModels",
    "ShowVersions",
    "Statement",
    "TableArgument",
    "Token",
    "TokenKind",
    "Value",
    "find_parameters",
    "is_complete",
    "parse_query",
    "parse_script",
    "parse_statement",
    "parse_transform",
    "print_name",
    "print_statement",
    "print_value",
    "split_statements",
    "tokenize",
]
