"""`hms health`: exit status 0 while the server on HMS_GRPC_LISTEN serves (grpc.health.v1)."""

from __future__ import annotations

import argparse

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hms_server import config

_SECONDS = 3.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    subparsers.add_parser("health", help="ask a server whether it serves")


def run(arguments: argparse.Namespace) -> int:
    """Asks once."""
    listen = config.load().grpc_listen
    host, _, port = listen.rpartition(":")
    target = f"{'127.0.0.1' if host in ('', '0.0.0.0', '[::]') else host}:{port}"  # noqa: S104
    with grpc.insecure_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_SECONDS
            )
        except grpc.RpcError as error:
            print(f"{target}: {error.code().name}")
            return 1
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1
