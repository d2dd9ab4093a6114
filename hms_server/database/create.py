"""Creates the roles and the database: what needs a superuser, done once per installation.

The four roles and why they are four: docs/security.md. Safe to run again: passwords are set anew, what
stands is left.
"""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from hms_server.errors import ConfigError

_LOGIN_ROLES = ("hms_owner", "hms_app", "hms_worker")


def create(
    admin_url: str,
    owner_url: str,
    app_url: str,
    worker_url: str,
    setting: str = "HMS_ADMIN_DATABASE_URL",
) -> list[str]:
    """Makes roles and database as the URLs name them; returns what was made.

    Raises ConfigError where a URL does not fit or the server cannot be reached.
    """
    done: list[str] = []
    wanted = {}
    for role, url in zip(_LOGIN_ROLES, (owner_url, app_url, worker_url), strict=True):
        parts = conninfo_to_dict(url)
        if parts.get("user") != role:
            raise ConfigError(f"the database URL of {role} must have {role} as its user")
        wanted[role] = str(parts.get("password") or "")
    database = str(conninfo_to_dict(owner_url).get("dbname") or "")
    if not database:
        raise ConfigError("the database URL of hms_owner names no database")
    try:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            for role, password in wanted.items():
                done += _role(connection, role, password)
            done += _role(connection, "hms_search", None)
            # The owner gives the search function to hms_search, without having its rights.
            connection.execute("GRANT hms_search TO hms_owner WITH INHERIT FALSE, SET TRUE")
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if not found:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER hms_owner ENCODING 'UTF8' TEMPLATE template0").format(
                        sql.Identifier(database)
                    )
                )
                done.append(f"database {database}")
    except psycopg.Error as error:
        raise ConfigError(f"{setting}: {str(error).splitlines()[0]}") from None
    return done


def same_server(url: str, other: str) -> bool:
    """Whether two addresses name one server, as far as their text tells."""
    places = [conninfo_to_dict(each) for each in (url, other)]
    first, second = ((each.get("host"), each.get("port") or "5432") for each in places)
    return first == second


def password_of(url: str) -> str:
    """The password in an address."""
    return str(conninfo_to_dict(url).get("password") or "")


def _role(connection: psycopg.Connection, role: str, password: str | None) -> list[str]:
    name = sql.Identifier(role)
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    login: sql.Composable = sql.SQL("NOLOGIN")
    if password == "":
        login = sql.SQL("LOGIN PASSWORD NULL")
    elif password is not None:
        # Hashed here, so that the server's log and its list of activity never see it.
        hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        login = sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(hashed.decode()))
    verb = sql.SQL("ALTER ROLE" if found else "CREATE ROLE")
    connection.execute(
        sql.SQL("{} {} {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(verb, name, login)
    )
    return [] if found else [f"role {role}"]
