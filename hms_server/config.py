"""The only reader of the environment. Every setting is HMS_<NAME>; a mistake stops the start.

What is secret may stand in a file instead, named by HMS_<NAME>_FILE.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any, Literal

import pydantic
import pydantic_settings

from hms_server import errors, safety

_MAIN_DATABASE_URLS = ("database_url", "app_database_url", "worker_database_url")
_AUDIT_DATABASE_URLS = tuple(f"audit_{name}" for name in _MAIN_DATABASE_URLS)
_DATABASE_URLS = (
    "admin_database_url",
    *_MAIN_DATABASE_URLS,
    "audit_admin_database_url",
    *_AUDIT_DATABASE_URLS,
)
_REDIS_URLS = ("redis_url", "queue_redis_url")
_SMTP_URLS = ("smtp_url",)
_SECRETS = (*_DATABASE_URLS, *_REDIS_URLS, *_SMTP_URLS, "password", "bootstrap_password")
_SECRET_FILES = ("keys_file", "grpc_tls_key_file", "grpc_client_key_file")


def _address() -> Any:
    """An address that may hold a password: it is never shown."""
    return pydantic.Field("", repr=False)


_URL = r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$"


class Settings(pydantic_settings.BaseSettings):
    """Settings of servers, workers and tools. Addresses have no default where guessing would hurt."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix="HMS_", extra="ignore")

    # In production, secrets that belong to development stop the start.
    mode: Literal["production", "development"] = "production"

    # PostgreSQL. The owner's is used by `hms migrate` and `hms tenant`, the admin's by `hms database create`.
    admin_database_url: str = _address()
    database_url: str = _address()
    app_database_url: str = _address()
    worker_database_url: str = _address()
    # A database of its own for the audit, or none: one of these beside each of the above that is given.
    audit_admin_database_url: str = _address()
    audit_database_url: str = _address()
    audit_app_database_url: str = _address()
    audit_worker_database_url: str = _address()
    pool_min: int = pydantic.Field(2, ge=1, le=20)
    pool_max: int | None = pydantic.Field(None, ge=1, le=20)  # None: threads + 2
    pool_idle_seconds: float = pydantic.Field(30, gt=0)
    pool_lifetime_seconds: float = pydantic.Field(1800, gt=0)
    pool_wait_seconds: float = pydantic.Field(5, gt=0)
    statement_timeout_seconds: float = pydantic.Field(15, gt=0)

    # Redis: gate and cache; queues may have an address of their own.
    redis_url: str = _address()
    queue_redis_url: str = _address()
    redis_timeout_seconds: float = pydantic.Field(0.25, gt=0)

    keys_file: pathlib.Path | None = None
    # The audit's daily anchors outside the database, appended to by `hms cron`
    anchor_file: pathlib.Path | None = None
    # Where `hms cron` archives the audit's oldest months before it drops them; without it nothing is dropped
    audit_archive_dir: pathlib.Path | None = None

    # Where clients reach the gateway. Assertions of services name it, so without it none is taken.
    public_url: str = pydantic.Field("", pattern=_URL)
    # Mail: the server that takes it, who sends it, and what the links in it begin with
    smtp_url: str = _address()
    mail_from: str = ""
    front_end_url: str = pydantic.Field("", pattern=_URL)

    grpc_listen: str = "127.0.0.1:50051"
    # TLS of that port; with a client CA callers must show a certificate of it.
    grpc_tls_cert_file: pathlib.Path | None = None
    grpc_tls_key_file: pathlib.Path | None = None
    grpc_tls_client_ca_file: pathlib.Path | None = None
    threads: int = pydantic.Field(4, ge=1, le=64)
    max_request_bytes: int = pydantic.Field(4 * 1024 * 1024, ge=1024)
    drain_seconds: float = pydantic.Field(20, ge=0)
    access_token_seconds: int = pydantic.Field(900, ge=60, le=3600)
    session_seconds: int = pydantic.Field(12 * 3600, ge=300)
    # Peers whose x-forwarded-for is believed, as CIDRs
    trusted_proxies: str = "127.0.0.0/8,::1/128"

    metrics_listen: str = "127.0.0.1:9464"
    metrics_dir: pathlib.Path | None = None
    log_level: str = pydantic.Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    # Client commands (demo, import-fhir)
    grpc_target: str = ""
    # TLS of a client: whom it trusts, the name it expects where the target has another, its own certificate
    grpc_ca_file: pathlib.Path | None = None
    grpc_server_name: str = ""
    grpc_client_cert_file: pathlib.Path | None = None
    grpc_client_key_file: pathlib.Path | None = None
    tenant: str = ""
    user: str = ""
    password: pydantic.SecretStr = pydantic.SecretStr("")
    bootstrap_password: pydantic.SecretStr = pydantic.SecretStr("")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[pydantic_settings.BaseSettings],
        init_settings: pydantic_settings.PydanticBaseSettingsSource,
        env_settings: pydantic_settings.PydanticBaseSettingsSource,
        dotenv_settings: pydantic_settings.PydanticBaseSettingsSource,
        file_secret_settings: pydantic_settings.PydanticBaseSettingsSource,
    ) -> tuple[pydantic_settings.PydanticBaseSettingsSource, ...]:
        """What the code gives, then the environment, then the files that it names (nothing sets the rest)."""
        ours = _SecretFiles(settings_cls)
        return init_settings, env_settings, ours, dotenv_settings, file_secret_settings

    @property
    def pool_size(self) -> int:
        """Most connections of one process: threads + 2, 20 at most."""
        return self.pool_max or min(self.threads + 2, 20)

    @property
    def assertion_audience(self) -> str:
        """What an assertion of a service must name as `aud`: the token endpoint. Empty: none is taken."""
        return f"{self.public_url.rstrip('/')}/v1/auth:token" if self.public_url else ""

    def require(self, *names: str) -> None:
        """Raises ConfigError naming the settings among `names` that are empty."""
        missing = [f"HMS_{n.upper()}" for n in names if not self._plain(n)]
        if missing:
            raise errors.ConfigError(f"set {', '.join(missing)} (see docs/operations.md)")

    def _plain(self, name: str) -> Any:
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, pydantic.SecretStr) else value


def load(*, serving: bool = True) -> Settings:
    """Reads the environment; raises ConfigError with one line that names every mistake.

    `serving`: for what runs on and on, which refuses development's secrets in production. Commands that an
    operator gives by hand take what they are given.
    """
    try:
        settings = Settings()
    except pydantic.ValidationError as error:
        mistakes = "; ".join(
            f"HMS_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        )
        raise errors.ConfigError(mistakes) from None
    if settings.pool_min > settings.pool_size:
        raise errors.ConfigError("HMS_POOL_MIN is greater than HMS_POOL_MAX")
    _check_tls(settings)
    _check_mail(settings)
    mistakes = "; ".join(
        [*_unsafe(settings, serving and settings.mode == "production"), *_torn_audit(settings)]
    )
    if mistakes:
        raise errors.ConfigError(mistakes)
    return settings


def _unsafe(settings: Settings, production: bool) -> Iterator[str]:
    """Addresses that are malformed; in production also development's secrets and files others may read."""
    checks = (
        (_DATABASE_URLS, safety.database_url),
        (_REDIS_URLS, safety.redis_url),
        (_SMTP_URLS, safety.smtp_url),
    )
    for names, check in checks:
        for name in names:
            if url := getattr(settings, name):
                yield from check(f"HMS_{name.upper()}", url, production=production)
    if not production:
        return
    if given := settings.bootstrap_password.get_secret_value():
        yield from safety.password("HMS_BOOTSTRAP_PASSWORD", given)
    files = {f"HMS_{name.upper()}": getattr(settings, name) for name in _SECRET_FILES}
    for setting, path in (files | _named_files()).items():
        if path is not None:
            yield from safety.private_file(setting, path)
    if settings.keys_file is not None:
        yield from safety.key_file("HMS_KEYS_FILE", settings.keys_file)


def _torn_audit(settings: Settings) -> Iterator[str]:
    """Half of a separate audit database: what is written there must be read from there, too."""
    if not any(getattr(settings, name) for name in (*_AUDIT_DATABASE_URLS, "audit_admin_database_url")):
        return
    for main, audit in zip(_MAIN_DATABASE_URLS, _AUDIT_DATABASE_URLS, strict=True):
        url, audit_url = getattr(settings, main), getattr(settings, audit)
        if bool(url) != bool(audit_url):
            there, missing = (main, audit) if url else (audit, main)
            yield (
                f"HMS_{there.upper()} is set and HMS_{missing.upper()} is not: a separate audit database has "
                "an address of its own beside each of the main database's (for none set no "
                "HMS_AUDIT_..._DATABASE_URL)"
            )
        elif url and safety.same_database(url, audit_url):
            yield f"HMS_{audit.upper()} names the main database: set it for a separate one only"


def _named_files() -> dict[str, pathlib.Path]:
    """The files that hold secrets, by the variable that names each."""
    variables = (f"HMS_{name.upper()}_FILE" for name in _SECRETS)
    return {
        variable: pathlib.Path(os.environ[variable]) for variable in variables if os.environ.get(variable)
    }


class _SecretFiles(pydantic_settings.PydanticBaseSettingsSource):
    """Reads HMS_<NAME>_FILE; raises ConfigError where one cannot be read, or HMS_<NAME> is set as well."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: all are read at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The secrets by name."""
        found = {}
        for variable, path in _named_files().items():
            setting = variable.removesuffix("_FILE")
            if os.environ.get(setting):
                raise errors.ConfigError(f"{setting} and {variable}: set one of them")
            try:
                content = path.read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise errors.ConfigError(f"{variable}: cannot read {path}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise errors.ConfigError(f"{variable}: {path} is not text") from None
            if not content:
                raise errors.ConfigError(f"{variable}: {path} is empty")
            found[setting.removeprefix("HMS_").lower()] = content
        return found


def _check_mail(settings: Settings) -> None:
    if settings.mail_from and not safety.is_sender(settings.mail_from):
        raise errors.ConfigError("HMS_MAIL_FROM is no address such as HMS <hms@hospital.example>")
    if settings.smtp_url:
        settings.require("mail_from", "front_end_url")


def _check_tls(settings: Settings) -> None:
    pairs = (("GRPC_TLS_CERT_FILE", "GRPC_TLS_KEY_FILE"), ("GRPC_CLIENT_CERT_FILE", "GRPC_CLIENT_KEY_FILE"))
    for certificate, key in pairs:
        if bool(getattr(settings, certificate.lower())) != bool(getattr(settings, key.lower())):
            raise errors.ConfigError(f"HMS_{certificate} and HMS_{key} go together")
    if settings.grpc_tls_client_ca_file and not settings.grpc_tls_cert_file:
        raise errors.ConfigError("HMS_GRPC_TLS_CLIENT_CA_FILE needs HMS_GRPC_TLS_CERT_FILE and _KEY_FILE")
    if settings.grpc_client_cert_file and not (settings.grpc_ca_file or settings.grpc_tls_cert_file):
        raise errors.ConfigError("HMS_GRPC_CLIENT_CERT_FILE is for TLS: set HMS_GRPC_CA_FILE, too")
