"""The port numbers of a stack: the usual ones, shifted ones, or free ones for tests."""

import random
import socket
from dataclasses import dataclass, fields, replace

from hms_server.devstack.errors import StackError

LOCALHOST = "127.0.0.1"
HIGHEST = 65535

# Below the range from which systems give out ports for outgoing connections, so that a free port
# found now is still free when its server starts.
FREE_RANGE = range(20000, 32000)
ATTEMPTS = 200


@dataclass(frozen=True)
class Ports:
    """One port for each server of the stack."""

    rest: int = 8080
    grpc: int = 50051
    metrics: int = 9464
    postgres: int = 54320
    redis: int = 63790
    envoy_admin: int = 9901
    smtp: int = 2525

    def items(self) -> list[tuple[str, int]]:
        """The names as written on the command line, with their ports."""
        return [(each.name.replace("_", "-"), getattr(self, each.name)) for each in fields(self)]

    def shifted(self, offset: int) -> "Ports":
        """The same ports, all moved by `offset`."""
        return Ports(**{each.name: getattr(self, each.name) + offset for each in fields(self)})

    def chosen(self, choices: dict[str, int]) -> "Ports":
        """These ports with some replaced, by their names on the command line."""
        known = {name for name, _ in self.items()}
        for name in choices:
            if name not in known:
                raise StackError(f"There is no port named {name}: the names are {', '.join(sorted(known))}.")
        return replace(self, **{name.replace("-", "_"): port for name, port in choices.items()})


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine.

    Asked without SO_REUSEPORT, with which a second server would take its share of a used port
    silently; with SO_REUSEADDR, without which a port just given back counts as used for a minute.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection((LOCALHOST, port), timeout=2.0).close()
    except OSError:
        return False
    return True


def check_free(ports: Ports) -> None:
    """Refuse ports that are impossible or taken, and say how to choose others."""
    for name, port in ports.items():
        if not 0 < port <= HIGHEST:
            raise StackError(f"{port} is no port number (for {name}): choose one from 1 to {HIGHEST}.")
        if not is_free(port):
            raise StackError(
                f"Port {port} (for {name}) is taken: stop what uses it, or choose another with "
                f"--port {name}=NUMBER or --port-offset NUMBER."
            )


def free_ports() -> Ports:
    """Ports nobody uses at the moment."""
    names = [each.name for each in fields(Ports)]
    for _ in range(ATTEMPTS):
        numbers = random.sample(FREE_RANGE, len(names))
        if all(is_free(number) for number in numbers):
            return Ports(**dict(zip(names, numbers, strict=True)))
    raise StackError("No free ports were found on this machine.")
