"""The Python door: PEP 249 over the session. `sqlml` itself re-exports what users need."""
