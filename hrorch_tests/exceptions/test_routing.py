"""A case always has a reviewer, and it is the one the stack file means."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.exceptions.finding import Finding
from hrorch_pipelines.exceptions.routing import fitting, present, route, stand_in
from hrorch_pipelines.stack.acting import Exceptions, Route
from hrorch_pipelines.stack.models import Away, Owner, Stack

DAY = date(2026, 3, 2)


def found(**changes: Any) -> Finding:
    told = {"source": "gate", "rule": "r", "what": "w", "action": "a", "system": "payroll", "attribute": "pay_amount"}
    return Finding(**told | changes)


def with_routes(stack: Stack, *routes: Route, **more: Any) -> Stack:
    return stack.model_copy(update={"exceptions": Exceptions(routes=list(routes), **more)})


def with_people(stack: Stack, **people: Owner) -> Stack:
    return stack.model_copy(update={"people": people})


def owner(deputy: str | None = None, *away: tuple[int, int]) -> Owner:
    days = [Away(first=date(2026, 3, first), last=date(2026, 3, last)) for first, last in away]
    return Owner(name="N", email="n@x.org", deputy=deputy, away=days)


@pytest.mark.parametrize(
    ("fits", "changes"),
    [
        ({"source": "gate"}, {"source": "budget"}),
        ({"system": "payroll"}, {"system": "hris"}),
        ({"attribute": "pay_amount"}, {"attribute": "job_title"}),
        ({"data_type": "compensation"}, {"attribute": "job_title"}),
        ({"entity": "LLC"}, {"entity": "GmbH"}),
    ],
)
def test_every_word_of_a_route_must_fit(stack: Stack, fits: dict[str, Any], changes: dict[str, Any]) -> None:
    routed = with_routes(stack, Route(**fits, reviewer="it-directory"))
    assert fitting(routed, found(entity="LLC")) is not None
    assert fitting(routed, found(**{"entity": "LLC"} | changes)) is None


def test_the_first_route_that_fits_decides_reviewer_and_time(stack: Stack) -> None:
    first = Route(system="payroll", reviewer="it-directory", due="4h")
    routed = route(with_routes(stack, first, Route(reviewer="talent-ops")), found(reviewer="hris-analyst"), DAY)
    assert (routed.reviewer, routed.due) == ("it-directory", timedelta(hours=4))


def test_without_a_route_it_is_the_gates_reviewer_then_the_owner_then_the_default_then_the_first(stack: Stack) -> None:
    assert route(stack, found(reviewer="talent-ops"), DAY).reviewer == "talent-ops"
    assert route(stack, found(reviewer="somebody who left"), DAY).reviewer == "payroll-lead"
    assert route(stack, found(system=None), DAY).reviewer == next(iter(stack.people))
    named = with_routes(stack, default_reviewer="it-directory")
    assert route(named, found(system=None), DAY).reviewer == "it-directory"


def test_a_deputy_reviews_while_the_reviewer_is_away_and_the_deputys_deputy_when_both_are(stack: Stack) -> None:
    people = with_people(stack, a=owner("b", (1, 5)), b=owner("c", (2, 2)), c=owner("a"))
    assert present(people, "a", date(2026, 3, 3)) == "b"
    assert present(people, "a", date(2026, 3, 2)) == "c"
    assert present(people, "a", date(2026, 3, 6)) == "a"
    assert stand_in(people, "a", date(2026, 3, 2)) == "c"


def test_absence_begins_on_the_organizations_day(stack: Stack) -> None:
    people = with_people(stack, a=owner("b", (2, 2)), b=owner())
    assert [present(people, "a", date(2026, 3, day)) for day in (1, 2, 3)] == ["a", "b", "a"]


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.dictionaries(names, st.tuples(names, st.booleans()), min_size=1),
    st.lists(names),
    names,
)
def test_a_case_is_never_nobodys(stack: Stack, declared: Any, routes: list[str], asked: str) -> None:
    people = {
        name: owner(deputy if deputy in declared else None, *([(1, 28)] if away else []))
        for name, (deputy, away) in declared.items()
    }
    house = with_people(with_routes(stack, *(Route(reviewer=name) for name in routes)), **people)
    routed = route(house, found(reviewer=asked, system=None), DAY)
    assert routed.reviewer in people
    everybody_away = all(away for _, away in declared.values())
    chain = {routed.reviewer}
    if not everybody_away and declared[routed.reviewer][1]:
        following = declared[routed.reviewer][0]
        while following in declared and following not in chain:
            chain.add(following)
            following = declared[following][0]
        assert all(declared[name][1] for name in chain), "somebody who is there was passed over"
