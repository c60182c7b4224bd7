"""Metrics as SQL, so that they run where the rows are: in the engine, over any number of them.

Each function takes a query and says which of its expressions are labels and predictions; it gives one SELECT of one row. The query is
evaluated once, also where a metric needs two passes, since the predictions in it may be expensive. Which metrics belong to which model is
the business of `functions.evaluate`.
"""
