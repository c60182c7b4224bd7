"""Columns to numbers: statistics learned once, and the SQL expressions that follow from them at training and at prediction."""
