"""SQL in, Arrow batches out: one protocol (`engine.py`), one module family per database that answers it."""
