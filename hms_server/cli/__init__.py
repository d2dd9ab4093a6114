"""One file per sub-command of `hms`: `register(subparsers)` and `run(arguments) -> status`."""
