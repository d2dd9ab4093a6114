"""The only place where the server's parts are put together."""

from __future__ import annotations

import dataclasses

from hms_server.admin.address_store import AddressRuleLoader
from hms_server.admin.servicer import AdminServicer
from hms_server.audit.denials import DenialAuditor
from hms_server.audit.servicer import AuditServicer
from hms_server.cache import client as redis_client
from hms_server.clinical.servicer import ClinicalServicer
from hms_server.config import Settings
from hms_server.database.pages import Pages
from hms_server.database.pool import Pool
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database
from hms_server.edge import certificates, chain
from hms_server.edge.addresses import of_event, resolver
from hms_server.edge.known import KnownTokens
from hms_server.edge.server import Server, behaviours, upload_threads
from hms_server.edge.threads import CallThreads
from hms_server.errors import ConfigError
from hms_server.fhir.servicer import FhirServicer
from hms_server.gate.addresses import AddressBook
from hms_server.gate.gate import Gate
from hms_server.gate.listener import AddressListener
from hms_server.gate.publisher import GatePublisher
from hms_server.identity.door import Door
from hms_server.identity.gate_state import GateLoader
from hms_server.identity.passwords import Passwords
from hms_server.identity.permissions import Catalogue, PermissionDirectory
from hms_server.identity.servicer import IdentityServicer
from hms_server.identity.tokens import TokenIssuer, TokenVerifier
from hms_server.jobs import queues
from hms_server.jobs.nudge import AuditNudger, MailNudger
from hms_server.keyring import KeyFile, KeySource
from hms_server.patient.servicer import PatientServicer
from hms_server.policy import load_policies
from hms_server.scheduling.servicer import SchedulingServicer

# A refused caller waits for the record of the refusal, and no longer than this.
_DENIAL_SECONDS = 2.0
# Whoever looks into an audit database that is away or hangs holds a thread, which others need: no longer than
# this, and half of the threads at most.
_AUDIT_WAIT_SECONDS = 1.0
_AUDIT_SECONDS = 5.0
# What one bundle of an import may take; its method has this deadline, too.
_IMPORT_SECONDS = 300.0


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """One server process."""

    settings: Settings
    pool: Pool
    audit_pool: Pool | None  # of the separate audit database
    nudgers: tuple[AuditNudger, ...]
    listener: AddressListener
    server: Server

    def start(self) -> None:
        """Opens the pool, then the port."""
        self.pool.open()
        if self.audit_pool is not None:
            self.audit_pool.open()
        for nudger in self.nudgers:
            nudger.start()
        self.listener.start()
        self.server.start(self.settings.grpc_listen)

    def stop(self) -> None:
        """Calls in flight finish first; what they audited and mailed is drained by the workers."""
        self.server.stop(self.settings.drain_seconds)
        for nudger in self.nudgers:
            nudger.stop()
        self.listener.stop()
        self.pool.close()
        if self.audit_pool is not None:
            self.audit_pool.close()


def application(settings: Settings) -> Application:
    """Everything of a server process; raises ConfigError with one line for the operator."""
    settings.require("app_database_url", "redis_url", "keys_file")
    if settings.keys_file is None:
        raise ConfigError("set HMS_KEYS_FILE")
    keys = KeyFile(settings.keys_file)
    pool = Pool(settings.app_database_url, settings)
    database = Database(pool, settings.statement_timeout_seconds)
    audit_pool = _audit_pool(settings)
    looks = min(settings.statement_timeout_seconds, _AUDIT_SECONDS)
    audit = Database(audit_pool, looks) if audit_pool is not None else None
    client = redis_client.connect(settings.redis_url, settings)
    publisher = GatePublisher(client)
    catalogue = Catalogue(load_policies())
    queued = queues.connect(settings)
    nudger = AuditNudger(queues.open_queue(queued))
    mail_nudger = MailNudger(queues.open_queue(queued, queues.EMAIL))
    loader = GateLoader(database)
    gate = Gate(client, publisher, loader.load)
    resolve = resolver(settings.trusted_proxies)
    known = KnownTokens()
    address_of = of_event(resolve)
    threads = CallThreads(
        settings.threads, spare=1, known=known, allowances=gate.allowances, address_of=address_of
    )
    uploads = upload_threads(known=known, allowances=gate.allowances, address_of=address_of)
    addresses = AddressBook(AddressRuleLoader(database).load)
    door = Door(addresses.check, gate.strangers.check_login)
    parts = chain.ChainParts(
        verifier=TokenVerifier(keys),
        gate=gate,
        addresses=addresses,
        tenant_of=loader.tenant_of,
        directory=PermissionDirectory(database, client, catalogue),
        known=known,
        must_give_way=uploads.must_give_way,
        denials=DenialAuditor(Database(pool, _DENIAL_SECONDS)),
        nudge=nudger.nudge,
        deadline_ceiling_seconds=settings.statement_timeout_seconds,
        nudge_mail=mail_nudger.nudge,
    )
    methods = behaviours(
        servicers(
            settings, keys, database, Database(pool, _IMPORT_SECONDS), publisher, catalogue, door, audit
        ),
        chain.build(parts),
        resolve,
        settings.max_request_bytes,
        uploads,
    )
    server = Server(
        methods,
        threads=threads,
        max_request_bytes=settings.max_request_bytes,
        certificates=certificates.from_settings(settings),
    )
    return Application(
        settings,
        pool,
        audit_pool,
        (nudger, mail_nudger),
        AddressListener(client, addresses, gate.allowances.forget),
        server,
    )


def _audit_pool(settings: Settings) -> Pool | None:
    """The separate audit database's, for those who look into the audit; None where there is none."""
    if not settings.audit_app_database_url:
        return None
    waits = min(settings.pool_wait_seconds, _AUDIT_WAIT_SECONDS)
    patience = settings.model_copy(update={"pool_wait_seconds": waits, "pool_min": 1})
    size = max(1, settings.threads // 2)
    return Pool(settings.audit_app_database_url, patience, name="audit", size=size)


def servicers(
    settings: Settings,
    keys: KeySource,
    database: Database,
    imports: Database,
    publisher: GatePublisher,
    catalogue: Catalogue,
    door: Door,
    audit: Database | None = None,
) -> dict[str, object]:
    """Every service's servicer by the service's full name. `audit` is the separate audit database."""
    pages = Pages(keys.current().page_token)
    request_ids = RequestIds(keys.current().request_hash)
    passwords = Passwords()
    return {
        "hms.identity.v1.IdentityService": IdentityServicer(
            database=database,
            pages=pages,
            request_ids=request_ids,
            keys=keys,
            issuer=TokenIssuer(keys, settings.access_token_seconds),
            passwords=passwords,
            catalogue=catalogue,
            publisher=publisher,
            door=door,
            session_seconds=settings.session_seconds,
            assertion_audience=settings.assertion_audience,
        ),
        "hms.admin.v1.AdminService": AdminServicer(
            database=database,
            pages=pages,
            request_ids=request_ids,
            passwords=passwords,
            publisher=publisher,
        ),
        "hms.patient.v1.PatientService": PatientServicer(database, pages, request_ids),
        "hms.clinical.v1.ClinicalService": ClinicalServicer(database, pages, request_ids),
        "hms.scheduling.v1.SchedulingService": SchedulingServicer(database, pages, request_ids),
        "hms.audit.v1.AuditService": AuditServicer(database, pages, request_ids, audit),
        "hms.fhir.v1.FhirService": FhirServicer(imports),
    }
