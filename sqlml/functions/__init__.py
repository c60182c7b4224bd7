"""One module per ML.* function, named after it; modules with a leading underscore are what they share."""
