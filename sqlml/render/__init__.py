"""What the command line and the shell show: tables, CSV and JSON on standard output; messages, errors and progress on standard error."""
