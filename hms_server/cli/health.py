"""`hms health`: exit status 0 while the server on HMS_GRPC_LISTEN serves (grpc.health.v1)."""

from __future__ import annotations

import argparse

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hms_server import config
from hms_server.cli.channel import open_probe

_SECONDS = 3.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    subparsers.add_parser("health", help="ask a server whether it serves")


def run(arguments: argparse.Namespace) -> int:
    """Asks once."""
    settings = config.load(serving=False)
    listen = settings.grpc_listen
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host.strip("[]")  # noqa: S104
    try:
        with open_probe(host, int(port), settings) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_SECONDS
            )
    except grpc.RpcError as error:
        print(f"{listen}: {error.code().name}")
        return 1
    except OSError as error:
        print(f"{listen}: {error.strerror or error}")
        return 1
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1
