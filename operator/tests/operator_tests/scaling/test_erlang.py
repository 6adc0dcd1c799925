"""Erlang's formulas against their definition, and the inverse against them."""

from math import exp, factorial, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.scaling import erlang

OFFERED = st.floats(0.01, 900.0)
PATIENCE = st.floats(0.5, 200.0)
BUDGET = st.floats(0.0001, 0.2)


def by_definition(servers: int, offered: float) -> float:
    """Erlang C as textbooks write it, which overflows for many servers."""
    last = offered**servers / factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**count / factorial(count) for count in range(servers)) + last)


@pytest.mark.parametrize(("servers", "offered"), [(1, 0.5), (2, 1.5), (5, 4.0), (20, 18.5), (60, 40.0)])
def test_the_share_that_waits_is_the_textbooks(servers: int, offered: float) -> None:
    assert erlang.waiting(servers, offered) == pytest.approx(by_definition(servers, offered))


def test_with_one_server_the_time_in_the_system_is_exponential() -> None:
    assert erlang.over(1, 0.8, 10.0) == pytest.approx(exp(-(1 - 0.8) * 10.0))


def test_nothing_is_lost_where_one_server_is_exactly_the_spare() -> None:
    beside = [erlang.over(3, 2.0 + by, 4.0) for by in (-1e-6, 0.0, 1e-6)]
    assert beside[0] < beside[1] < beside[2]
    assert beside[2] - beside[0] < 1e-5


def test_too_few_servers_keep_nobody_within_the_objective() -> None:
    assert erlang.over(3, 3.0, 10.0) == 1.0
    assert erlang.waiting(3, 4.0) == 1.0


@given(OFFERED, PATIENCE, BUDGET)
def test_the_chosen_number_keeps_the_budget_and_one_less_does_not(
    offered: float, patience: float, budget: float
) -> None:
    chosen = erlang.servers_for(offered, patience, budget=budget)
    share = erlang.allowed(patience, budget)
    if chosen < 1000:
        assert erlang.over(chosen, offered, patience) <= share * (1 + 1e-9)
    if chosen > 1:
        assert erlang.over(chosen - 1, offered, patience) > share * (1 - 1e-9)


@given(OFFERED, st.floats(0.0, 50.0), PATIENCE, BUDGET)
def test_more_work_never_wants_fewer(offered: float, more: float, patience: float, budget: float) -> None:
    fewer = erlang.servers_for(offered, patience, budget=budget)
    assert erlang.servers_for(offered + more, patience, budget=budget) >= fewer


@given(st.integers(1, 1000), st.floats(0.0, 1.0), PATIENCE)
def test_shares_are_shares_for_up_to_a_thousand_servers(servers: int, use: float, patience: float) -> None:
    assert 0.0 <= erlang.waiting(servers, servers * use) <= 1.0
    assert 0.0 <= erlang.over(servers, servers * use, patience) <= 1.0 + 1e-9


def test_service_that_alone_takes_too_long_is_not_answered_with_all_the_servers_there_are() -> None:
    # One request in seven is over by itself; no number changes that.
    assert erlang.servers_for(4.0, 2.0, budget=0.01) < 12


def test_no_work_wants_one_server() -> None:
    assert erlang.servers_for(0.0, inf, budget=0.01) == 1


def test_no_more_than_the_most_are_wanted() -> None:
    assert erlang.servers_for(5000.0, 10.0, budget=0.01, most=40) == 40
    assert erlang.servers_for(39.9, 10.0, budget=0.01, most=40) == 40


def test_servers_are_not_busier_than_asked() -> None:
    assert erlang.servers_for(98.0, 1e6, budget=0.01, utilisation=0.98) == 100
    assert erlang.servers_for(98.1, 1e6, budget=0.01, utilisation=0.98) == 101


@pytest.mark.parametrize(("servers", "use"), [(1, 0.7), (4, 0.8), (16, 0.9), (64, 0.95)])
def test_the_quick_mean_wait_is_near_to_erlangs(servers: int, use: float) -> None:
    exact = erlang.waiting(servers, servers * use) / (servers * (1 - use))
    assert erlang.queueing(servers, use) == pytest.approx(exact, rel=0.12)
