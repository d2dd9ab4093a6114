"""hms.clinical.v1.ClinicalService.

The types of record share their methods: CreateObservation, GetCondition, AmendPrescription and so on are
bound here to one implementation each, as `kinds` describes the type.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hms.clinical.v1 import encounter_pb2, observation_pb2, record_pb2
from hms_server.clinical.desk import Desk
from hms_server.clinical.interaction_rules import InteractionRules
from hms_server.clinical.kinds import KINDS, OBSERVATION
from hms_server.clinical.lists import Lists
from hms_server.clinical.notes import Notes
from hms_server.clinical.orders import Orders
from hms_server.clinical.prescribing_check import PrescribingReads
from hms_server.clinical.records import Records
from hms_server.clinical.referrals import Referrals
from hms_server.clinical.results import Reports, Results
from hms_server.clinical.visit_summary import VisitSummaries
from hms_server.clinical.visits import Visits
from hms_server.clinical.vitals import Vitals
from hms_server.clinical.waiting import Waiting
from hms_server.clinical.whole import Whole
from hms_server.context import Call
from hms_server.database.pages import Pages
from hms_server.database.requests import RequestIds
from hms_server.database.transaction import Database


class ClinicalServicer:
    """Records of every type, and the reads that join them."""

    def __init__(self, database: Database, pages: Pages, request_ids: RequestIds, desk: Desk) -> None:
        self._lists = Lists(database, pages)
        self._whole = Whole(database)
        self._methods: dict[str, Callable[[Any, Call], Any]] = {}
        visits, notes = Visits(database, request_ids, desk), Notes(database, request_ids)
        own: dict[str, Records] = {"ENCOUNTER": visits, "NOTE": notes}
        for kind in KINDS.values():
            records = own.get(kind.type) or Records(kind, database, request_ids)
            self._methods |= {
                f"Create{kind.name}": records.create,
                f"Get{kind.name}": records.get,
                f"Amend{kind.name}": records.amend,
                f"Mark{kind.name}EnteredInError": records.mark_entered_in_error,
            }
            for method, response in kind.listed.items():
                self._methods[method] = functools.partial(
                    self._lists.records, kind, response, kind.plural, ""
                )
        self._methods["GetEncounter"] = self._whole.encounter
        self._methods["ListEncounters"] = functools.partial(
            self._lists.encounters, encounter_pb2.ListEncountersResponse
        )
        self._methods["ListVitalSigns"] = functools.partial(
            self._lists.records,
            OBSERVATION,
            observation_pb2.ListVitalSignsResponse,
            "vital_signs",
            "vital-signs",
        )

        interactions = InteractionRules(database, pages, request_ids)
        prescribing = PrescribingReads(database)
        self._methods |= {
            "SearchCodes": prescribing.search_codes,
            "CheckPrescription": prescribing.check,
            "CreateInteractionRule": interactions.create,
            "GetInteractionRule": interactions.get,
            "ListInteractionRules": interactions.list_rules,
            "UpdateInteractionRule": interactions.update,
            "DeactivateInteractionRule": interactions.deactivate,
        }
        self._methods |= {
            "RecordVitalSigns": Vitals(database, request_ids).record,
            "SignNote": notes.sign,
            "CoSignNote": notes.co_sign,
            "StartEncounter": visits.start,
            "CompleteEncounter": visits.complete,
        }
        self._add_orders(database, pages, request_ids)

    def _add_orders(self, database: Database, pages: Pages, request_ids: RequestIds) -> None:
        orders = Orders(KINDS["ORDER"], database, request_ids)
        referrals = Referrals(KINDS["REFERRAL"], database, request_ids)
        waiting = Waiting(database, pages)
        self._methods |= {
            "CollectOrder": orders.collect,
            "RevokeOrder": orders.revoke,
            "RecordResults": Results(database, request_ids).record,
            "AcknowledgeResult": Reports(KINDS["DIAGNOSTIC_REPORT"], database, request_ids).acknowledge,
            "AcceptReferral": referrals.accept,
            "DeclineReferral": referrals.decline,
            "CompleteReferral": referrals.complete,
            "RevokeReferral": referrals.revoke,
            "ListOrderWorklist": waiting.worklist,
            "ListReferralInbox": waiting.inbox,
            "ListUnacknowledgedResults": waiting.unacknowledged,
            "GetVisitSummary": VisitSummaries(database).get,
        }

    def __getattr__(self, name: str) -> Callable[[Any, Call], Any]:
        """The method of that name; raises AttributeError where no type has it."""
        try:
            return self.__dict__["_methods"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def GetPatientSummary(
        self, request: record_pb2.GetPatientSummaryRequest, call: Call
    ) -> record_pb2.PatientSummary:
        """What whoever treats a patient looks at first."""
        return self._whole.summary(request, call)

    def GetPatientTimeline(
        self, request: record_pb2.GetPatientTimelineRequest, call: Call
    ) -> record_pb2.GetPatientTimelineResponse:
        """Records of all types in one order."""
        return self._lists.timeline(request, call)

    def ListRecordVersions(
        self, request: record_pb2.ListRecordVersionsRequest, call: Call
    ) -> record_pb2.ListRecordVersionsResponse:
        """A record's history."""
        return self._lists.versions(request, call)
