"""Envoy of the stack: the gateway's own configuration, rendered for the ports of this machine."""

import http.client
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from hms_server.devstack.binaries import check_runs, envoy_program
from hms_server.devstack.layout import write_private
from hms_server.devstack.ports import LOCALHOST, Ports
from hms_server.gateway.config import render_envoy_config
from hms_server.supervise import ChildSpec


@dataclass(frozen=True)
class Envoy:
    """One gateway: where its settings lie, where it listens, where it sends to."""

    folder: Path
    ports: Ports
    log: Path

    def prepare(self) -> ChildSpec:
        """Render the configuration; answers how to run the gateway."""
        program = envoy_program()
        check_runs("Envoy", program)
        settings = self.folder / "envoy.yaml"
        write_private(
            settings,
            render_envoy_config(
                listen_host=LOCALHOST,
                listen_port=self.ports.rest,
                grpc_host=LOCALHOST,
                grpc_port=self.ports.grpc,
                admin_port=self.ports.envoy_admin,
            ),
        )
        return ChildSpec(
            name="envoy",
            argv=(
                str(program),
                "--config-path",
                str(settings),
                "--concurrency",
                "2",
                "--log-level",
                "warning",
                # Hot restart shares memory between the Envoys of a machine; stacks must not meet.
                "--disable-hot-restart",
            ),
            environment=dict(os.environ),
            log_path=self.log,
            stop_signal=signal.SIGTERM,
            stop_timeout=10.0,
        )

    def is_ready(self) -> bool:
        """Whether the gateway has its listeners up."""
        return answers_ok(self.ports.envoy_admin, "/ready")


def answers_ok(port: int, path: str) -> bool:
    """Whether a server of this machine answers a GET with 200."""
    connection = http.client.HTTPConnection(LOCALHOST, port, timeout=2.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
