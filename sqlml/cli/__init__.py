"""The command-line door: `sqlml`."""
