"""The interactive door: statements typed at a prompt."""
