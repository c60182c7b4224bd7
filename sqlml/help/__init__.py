"""The reference: one page for each ML function and each model type, made from its declaration and its module's docstring.

Nothing is written here that is declared elsewhere, so that a page cannot say other than what the code does. The command, the shell and
docs/functions.md show the same pages.
"""
