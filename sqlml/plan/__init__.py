"""Statements with their names bound and their options checked: what will happen, known before a row is read."""
