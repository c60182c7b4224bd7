"""The session core: runs plans on a worker thread, emits events, hands out results."""
