"""What is done to a referral beside writing and amending it: accepted, declined, completed, revoked."""

from __future__ import annotations

from hms.clinical.v1 import referral_pb2 as pb
from hms_server.clinical import records, transitions
from hms_server.context import Call
from hms_server.database.retry import on_conflict

Act = (
    pb.AcceptReferralRequest
    | pb.DeclineReferralRequest
    | pb.CompleteReferralRequest
    | pb.RevokeReferralRequest
)


class Referrals(records.Records):
    """The records of type REFERRAL. Each act raises NotFound, and FailedPrecondition where the state does not
    lead there."""

    @on_conflict
    def accept(self, request: pb.AcceptReferralRequest, call: Call) -> pb.Referral:
        """Whom the patient was sent to takes the patient on."""
        return self._step(request, call, "ACCEPTED", "")

    @on_conflict
    def decline(self, request: pb.DeclineReferralRequest, call: Call) -> pb.Referral:
        """Whom the patient was sent to does not, and says why."""
        return self._step(request, call, "DECLINED", request.reason)

    @on_conflict
    def complete(self, request: pb.CompleteReferralRequest, call: Call) -> pb.Referral:
        """The patient was seen."""
        return self._step(request, call, "COMPLETED", request.note)

    @on_conflict
    def revoke(self, request: pb.RevokeReferralRequest, call: Call) -> pb.Referral:
        """It is no longer wanted."""
        return self._step(request, call, "REVOKED", request.reason)

    def _step(self, request: Act, call: Call, state: str, answer: str) -> pb.Referral:
        def change(referral: pb.Referral) -> None:
            transitions.require(self._kind, referral.state, state)
            referral.state = state
            referral.answer = answer
            referral.answer_user_id = call.caller.user_id
            referral.answer_time = records.now()

        made: pb.Referral = self._change(request, call, request.id, request.etag, change, None)
        return made
