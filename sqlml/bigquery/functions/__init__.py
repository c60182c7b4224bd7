"""Rows of the table of translations, a module for each topic."""
