"""A hospital's rules of interactions: made, changed, ended; in force with the next prescription."""

from __future__ import annotations

import pytest

from hms_server import errors, ids

PAIR = {"first": "Metformin", "second": "amlodipine", "severity": "SEVERE", "effect": "x", "source": "ours"}
BUILTIN = "nsaids+vitamin_k_antagonists"


def made(charts, **fields):
    return charts.CreateInteractionRule(interaction_rule={**PAIR, **fields})


def keys(call):
    with pytest.raises(errors.FailedPrecondition) as caught:
        call()
    return [w.key for w in caught.value.details[0].warnings]


def test_a_rule_is_in_force_until_it_is_ended(charts, prescribe):
    rule = made(charts)
    assert (rule.first, rule.second, rule.active, rule.etag) == ("metformin", "amlodipine", True, "1")
    assert keys(lambda: prescribe("metformin", "amlodipine")) == ["INTERACTION:amlodipine+metformin"]
    graded = charts.UpdateInteractionRule(interaction_rule={"id": rule.id, "severity": "MINOR"})
    assert (graded.severity, graded.etag) == ("MINOR", "2")
    assert [w.severity for w in prescribe("metformin", "amlodipine").warnings] == ["MINOR"]
    ended = charts.DeactivateInteractionRule(id=rule.id, etag="2")
    assert not ended.active
    assert charts.DeactivateInteractionRule(id=rule.id).etag == ended.etag
    assert [w.type for w in prescribe("metformin", "amlodipine").warnings] == ["DUPLICATE", "DUPLICATE"]


def test_a_built_in_rule_is_switched_off_with_a_reason_and_on_again(charts, prescribe, owner):
    with pytest.raises(errors.InvalidArgument) as caught:
        charts.CreateInteractionRule(interaction_rule={"builtin_key": BUILTIN, "severity": "NONE"})
    assert caught.value.violations[0].field == "interaction_rule.reason"
    off = charts.CreateInteractionRule(
        interaction_rule={"builtin_key": BUILTIN, "severity": "NONE", "reason": "INR clinic watches"}
    )
    assert not prescribe("warfarin", "ibuprofen", state="DRAFT").warnings
    events = owner.execute(
        "SELECT record ->> 'reason' FROM audit_outbox WHERE tenant_id = %s AND record ->> 'entity_id' = %s",
        [charts.tenant.id, off.id],
    ).fetchall()
    assert events == [("INR clinic watches",)]
    charts.DeactivateInteractionRule(id=off.id)
    assert prescribe("warfarin", "ibuprofen", state="DRAFT").warnings


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"first": ""}, "first"),
        ({"second": "---"}, "second"),
        ({"severity": ""}, "severity"),
        ({"severity": "NONE"}, "severity"),
        ({"builtin_key": "no+such", "reason": "because"}, "builtin_key"),
        ({"effect": "a\x07"}, "effect"),
    ],
)
def test_what_is_no_rule_is_refused_by_its_field(charts, fields, field):
    with pytest.raises(errors.InvalidArgument) as caught:
        made(charts, **fields)
    assert [v.field for v in caught.value.violations] == [f"interaction_rule.{field}"]


def test_a_pair_has_one_active_rule_whichever_stands_first(charts):
    rule = made(charts)
    with pytest.raises(errors.AlreadyExists):
        made(charts, first="amlodipine", second="metformin")
    charts.DeactivateInteractionRule(id=rule.id)
    made(charts, first="amlodipine", second="metformin")
    with pytest.raises(errors.AlreadyExists):
        charts.UpdateInteractionRule(interaction_rule={"id": rule.id, "active": True})


def test_a_repeated_request_makes_one_rule(charts):
    request_id = ids.uuid7()
    first = charts.CreateInteractionRule(interaction_rule=PAIR, request_id=request_id)
    assert charts.CreateInteractionRule(interaction_rule=PAIR, request_id=request_id) == first
    with pytest.raises(errors.InvalidArgument) as caught:
        charts.CreateInteractionRule(interaction_rule={**PAIR, "severity": "MINOR"}, request_id=request_id)
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_stale_etag_is_refused_and_a_change_of_nothing_makes_no_version(charts):
    rule = made(charts)
    assert charts.UpdateInteractionRule(interaction_rule={"id": rule.id, "severity": "SEVERE"}).etag == "1"
    charts.UpdateInteractionRule(interaction_rule={"id": rule.id, "management": "watch"})
    with pytest.raises(errors.Aborted):
        charts.DeactivateInteractionRule(id=rule.id, etag="1")
    with pytest.raises(errors.InvalidArgument):
        charts.UpdateInteractionRule(
            interaction_rule={"id": rule.id, "first": "x"}, update_mask={"paths": ["first"]}
        )


def test_rules_are_listed_both_ways_with_the_built_in_ones_on_the_first_page(charts, charts_of, new_tenant):
    made_ids = [made(charts, second=name).id for name in ("insulin", "digoxin", "lithium")]
    first = charts.ListInteractionRules(page_size=2, show_builtin=True)
    assert [r.id for r in first.interaction_rules] == made_ids[:2]
    assert len(first.builtin_rules) >= 60
    assert all(r.source for r in first.builtin_rules)
    again = {"page_size": 2, "show_builtin": True}
    second = charts.ListInteractionRules(page_token=first.next_page_token, **again)
    assert [r.id for r in second.interaction_rules] == made_ids[2:]
    assert not second.builtin_rules
    assert not second.next_page_token
    back = charts.ListInteractionRules(page_token=second.previous_page_token, **again)
    assert list(back.interaction_rules) == list(first.interaction_rules)
    assert [r.id for r in charts.ListInteractionRules(term="insulin").interaction_rules] == made_ids[:1]
    charts.DeactivateInteractionRule(id=made_ids[0])
    assert len(charts.ListInteractionRules().interaction_rules) == 2
    assert len(charts.ListInteractionRules(show_inactive=True).interaction_rules) == 3
    stranger = charts_of(new_tenant())
    assert not stranger.ListInteractionRules(show_inactive=True).interaction_rules
    with pytest.raises(errors.NotFound):
        stranger.GetInteractionRule(id=made_ids[0])
    with pytest.raises(errors.NotFound):
        stranger.DeactivateInteractionRule(id=made_ids[0])
