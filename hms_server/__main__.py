"""`hms`: the command line. Each sub-command is one file in cli/, loaded when it is called."""

from __future__ import annotations

import argparse
import importlib
import os
import pathlib
import sys

from hms_server.errors import ConfigError

# Sub-command: what it does. The module is cli/<name with _ for ->.py.
_COMMANDS = {
    "serve": "run the gRPC server",
    "worker": "run a queue worker",
    "cron": "run the periodic jobs",
    "metrics": "serve the merged Prometheus metrics of this host",
    "health": "ask a server whether it serves",
    "database": "create the roles and the database",
    "migrate": "bring the schema up to date",
    "keys": "make a key file",
    "envoy-config": "print the gateway's configuration",
    "platform": "create the platform's administrator",
    "tenant": "export and erase a tenant",
    "demo": "create the demo hospital",
    "import-fhir": "import FHIR R4 files",
    "audit": "verify or export the audit",
    "jobs": "look at failed jobs and replay them",
    "mail": "try the SMTP server",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a sub-command; returns the exit status (2: configuration or usage)."""
    # prometheus_client decides at import how it keeps values, so this comes before every import of it.
    metrics_dir = os.environ.get("HMS_METRICS_DIR")
    if metrics_dir:
        try:
            pathlib.Path(metrics_dir).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            print(f"hms: HMS_METRICS_DIR: cannot make {metrics_dir}: {error.strerror}", file=sys.stderr)
            return 2
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics_dir
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="hms", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = given[0] if given and given[0] in _COMMANDS else None
    run = None
    for name, text in _COMMANDS.items():
        if name == wanted:
            module = importlib.import_module(f"hms_server.cli.{name.replace('-', '_')}")
            module.register(subparsers)
            run = module.run
        else:
            subparsers.add_parser(name, help=text)
    parsed = parser.parse_args(given)
    try:
        return int(run(parsed)) if run is not None else 2
    except ConfigError as error:
        print(f"hms {parsed.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough (`hms audit export ... | head`). What is still in the buffer
        # would raise again at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main())
