"""One module per MODEL_TYPE, named after it; modules with a leading underscore are what they share."""
