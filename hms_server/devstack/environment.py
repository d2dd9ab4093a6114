"""What the stack tells its processes and its users: the variables of the environment.

The settings themselves are read by `hms_server/config.py` only. Here they are made, and handed on
to those who need them: a server never sees the passwords of the owner or the superuser.
"""

import os
from dataclasses import dataclass

from hms_server.devstack.layout import Layout
from hms_server.devstack.passwords import Passwords
from hms_server.devstack.ports import LOCALHOST, Ports
from hms_server.devstack.postgres import DATABASE, SUPERUSER, Postgres
from hms_server.devstack.redis import Redis

PLATFORM_TENANT = "platform"
PLATFORM_ADMIN = "platform-admin"
DEMO_TENANT = "demo"
DEMO_ADMIN = "admin"
# Else the passwords made here would stop the start.
DEVELOPMENT = {"HMS_MODE": "development"}


@dataclass(frozen=True)
class Environment:
    """The variables of one stack, by who gets them."""

    layout: Layout
    ports: Ports
    passwords: Passwords
    postgres: Postgres
    redis: Redis
    # the server of the separate audit database, where there is one
    audit: Postgres | None = None

    @property
    def _grpc(self) -> str:
        return f"{LOCALHOST}:{self.ports.grpc}"

    @property
    def _rest(self) -> str:
        return f"http://{LOCALHOST}:{self.ports.rest}"

    @property
    def _app(self) -> dict[str, str]:
        return self._urls("APP_DATABASE_URL", "hms_app", self.passwords.app)

    @property
    def _worker(self) -> dict[str, str]:
        return self._urls("WORKER_DATABASE_URL", "hms_worker", self.passwords.worker)

    @property
    def _owner(self) -> dict[str, str]:
        return self._urls("DATABASE_URL", "hms_owner", self.passwords.owner)

    @property
    def _admin(self) -> dict[str, str]:
        return self._urls("ADMIN_DATABASE_URL", SUPERUSER, self.passwords.postgres, "postgres")

    def _urls(self, setting: str, user: str, password: str, database: str = DATABASE) -> dict[str, str]:
        """An account's address of the main database, and of the audit's where that is another one."""
        urls = {f"HMS_{setting}": self.postgres.url(user, password, database)}
        if self.audit is not None:
            urls[f"HMS_AUDIT_{setting}"] = self.audit.url(user, password, database)
        return urls

    @property
    def _mail(self) -> dict[str, str]:
        return {
            "HMS_SMTP_URL": f"smtp://{LOCALHOST}:{self.ports.smtp}",
            "HMS_MAIL_FROM": "HMS <hms@localhost>",
            # There is no front end here: the API's own address of a grant.
            "HMS_FRONT_END_URL": f"http://{LOCALHOST}:{self.ports.rest}/v1",
        }

    def server(self) -> dict[str, str]:
        """For a server process."""
        return {**self._shared(), **self._app, "HMS_PUBLIC_URL": self._rest}

    def background(self) -> dict[str, str]:
        """For workers, cron and the metrics endpoint."""
        return {**self._shared(), **self._worker, **self._mail}

    def _shared(self) -> dict[str, str]:
        return {
            **inherited(),
            **DEVELOPMENT,
            "HMS_REDIS_URL": self.redis.url,
            "HMS_QUEUE_REDIS_URL": self.redis.url,
            "HMS_KEYS_FILE": str(self.layout.keys),
            "HMS_ANCHOR_FILE": str(self.layout.anchors),
            "HMS_AUDIT_ARCHIVE_DIR": str(self.layout.audit_archive),
            "HMS_GRPC_LISTEN": self._grpc,
            "HMS_METRICS_LISTEN": f"{LOCALHOST}:{self.ports.metrics}",
            "HMS_METRICS_DIR": str(self.layout.metrics),
        }

    def set_up(self) -> dict[str, str]:
        """For the commands that make the database and the first accounts."""
        return {
            **self._shared(),
            **self._owner,
            **self._app,
            **self._worker,
            **self._admin,
            "HMS_GRPC_TARGET": self._grpc,
        }

    def sign_in(self) -> dict[str, str]:
        """The demo hospital's administrator."""
        return {
            "HMS_TENANT": DEMO_TENANT,
            "HMS_USER": DEMO_ADMIN,
            "HMS_PASSWORD": self.passwords.demo_admin,
        }

    def platform_sign_in(self) -> dict[str, str]:
        """The platform's administrator."""
        return {
            "HMS_TENANT": PLATFORM_TENANT,
            "HMS_USER": PLATFORM_ADMIN,
            "HMS_PASSWORD": self.passwords.platform_admin,
        }

    def tools(self) -> dict[str, str]:
        """For people, tools and tests that reach the running stack (`.hms/env`)."""
        return {
            **DEVELOPMENT,
            "HMS_REST_URL": self._rest,
            "HMS_GRPC_TARGET": self._grpc,
            "HMS_METRICS_URL": f"http://{LOCALHOST}:{self.ports.metrics}/metrics",
            **self.sign_in(),
            **self._owner,
            **self._app,
            **self._worker,
            "HMS_REDIS_URL": self.redis.url,
            "HMS_KEYS_FILE": str(self.layout.keys),
            "HMS_ANCHOR_FILE": str(self.layout.anchors),
            **self._mail,
            "HMS_MAIL_FOLDER": str(self.layout.mail),
        }


def inherited() -> dict[str, str]:
    """This process's environment without settings of HMS, which may be of another stack."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HMS_") and name != "PROMETHEUS_MULTIPROC_DIR"
    }
