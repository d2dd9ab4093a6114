"""The only place where the server's parts are put together."""

from __future__ import annotations

import dataclasses

from hms_server.config import Settings
from hms_server.database.pool import Pool
from hms_server.edge.server import Server
from hms_server.jobs.nudge import AuditNudger


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """One server process."""

    settings: Settings
    pool: Pool
    nudger: AuditNudger
    server: Server

    def start(self) -> None:
        """Opens the pool, then the port."""
        self.pool.open()
        self.nudger.start()
        self.server.start(self.settings.grpc_listen)

    def stop(self) -> None:
        """Calls in flight finish first; what they audited is drained by the workers."""
        self.server.stop(self.settings.drain_seconds)
        self.nudger.stop()
        self.pool.close()
