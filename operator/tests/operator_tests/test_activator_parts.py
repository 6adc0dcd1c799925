"""What the activator decides without asking anybody: whose request it is, who wakes, which pods there are, answers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.activator import answers, visitors
from rooftree_operator.activator.answers import ASLEEP, CROWDED, MALFORMED, STARTING, UNANSWERED, Problem
from rooftree_operator.activator.endpoints import Address, Places, places_of
from rooftree_operator.activator.rooms import Crowded, Limits, Rooms
from rooftree_operator.activator.sending import end_to_end
from rooftree_operator.activator.sleepers import HEADER_MODULES, HEADER_NAMESPACE, Sleeper, headers_of, sleeper_of
from rooftree_operator.names import LABEL_SERVICE

PROBLEMS = Path(__file__).parents[3] / "docs" / "problems"


@pytest.mark.parametrize("modules", [(), ("identity",), ("identity", "property")])
def test_what_the_route_tells_is_what_is_understood(modules: tuple[str, ...]) -> None:
    told = Sleeper("tenant-acme-0a1b2c3d", modules)
    assert sleeper_of(headers_of(told)) == told
    assert told.deployments == ("app", *modules)


def test_one_whose_tenant_was_made_beforehand_is_understood() -> None:
    assert sleeper_of({HEADER_NAMESPACE: "tenant-pool-0a1b2c3d"}) == Sleeper("tenant-pool-0a1b2c3d")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER_NAMESPACE: ""},
        {HEADER_NAMESPACE: "kube-system"},
        {HEADER_NAMESPACE: "acme-0a1b2c3d"},
        {HEADER_NAMESPACE: "tenant-acme"},
        {HEADER_NAMESPACE: "tenant-acme-0a1b2c3d/../kube-system"},
        {HEADER_NAMESPACE: "tenant-acme-0a1b2c3d\n"},
        {HEADER_NAMESPACE: "tenant-acme-0a1b2c3d", HEADER_MODULES: "identity,"},
        {HEADER_NAMESPACE: "tenant-acme-0a1b2c3d", HEADER_MODULES: "../pods"},
        {HEADER_NAMESPACE: "tenant-acme-0a1b2c3d", HEADER_MODULES: "Identity"},
    ],
)
def test_what_no_route_of_ours_tells_is_nobodys(headers: dict[str, str]) -> None:
    assert sleeper_of(headers) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_claimed_no_path_can_be_made_of_it(namespace: str, modules: str) -> None:
    found = sleeper_of({HEADER_NAMESPACE: namespace, HEADER_MODULES: modules})
    if found is not None:
        assert all(re.fullmatch(r"[a-z0-9-]+", word) for word in (found.namespace, *found.deployments))


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "AdsBot-Google (+http://www.google.com/adsbot.html)",
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "CCBot/2.0 (https://commoncrawl.org/faq/)",
        "kube-probe/1.36",
        "GoogleHC/1.0",
        "ELB-HealthChecker/2.0",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "Blackbox Exporter/0.25.0",
        "check_http/v2.3.3 (monitoring-plugins 2.3.3)",
        visitors.OPERATOR_AGENT,
    ],
)
def test_who_only_looks_wakes_nobody(agent: str) -> None:
    assert not visitors.wakes(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; CUBOT) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "curl/8.14.1",
        "python-httpx2/2.16",
        "Go-http-client/2.0",
        "okhttp/5.0",
        "Botanica/1.0",
    ],
)
def test_whoever_waits_for_an_answer_wakes(agent: str) -> None:
    assert visitors.wakes(agent)


def endpoint(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions}


def endpoint_slice(service: str, *endpoints: dict[str, Any], port: int = 8080) -> dict[str, Any]:
    ports = [{"name": "metrics", "port": 9464}, {"name": "http", "port": port}]
    return {"metadata": {"labels": {LABEL_SERVICE: service}}, "endpoints": list(endpoints), "ports": ports}


def test_a_pod_may_be_asked_before_it_is_ready_and_after_those_that_are() -> None:
    slices = [
        endpoint_slice("app", endpoint("10.0.0.1", ready=False), endpoint("10.0.0.2", ready=True)),
        endpoint_slice("app", endpoint("fd00::1", ready=False), port=8443),
    ]
    places = places_of(slices)
    assert [str(one) for one in places.entrance] == ["10.0.0.2:8080", "10.0.0.1:8080", "[fd00::1]:8443"]


def test_a_pod_that_is_about_to_end_is_none_to_ask() -> None:
    ending = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    assert places_of([endpoint_slice("app", ending), endpoint_slice("identity", ending)]) == Places()


def test_a_module_is_ready_by_one_pod_and_what_is_not_told_means_ready() -> None:
    slices = [
        endpoint_slice("identity", endpoint("10.0.0.1", ready=False), endpoint("10.0.0.2", ready=True)),
        endpoint_slice("property", endpoint("10.0.0.3")),
        endpoint_slice("crm", endpoint("10.0.0.4", ready=False)),
    ]
    assert places_of(slices) == Places((), frozenset({"identity", "property"}))


def test_a_slice_without_endpoints_or_ports_tells_of_nobody() -> None:
    empty = {"metadata": {"labels": {LABEL_SERVICE: "app"}}, "endpoints": None, "ports": None}
    unlabelled = {"metadata": {}, "endpoints": [endpoint("10.0.0.1", ready=True)], "ports": []}
    assert places_of([empty, unlabelled]).entrance == ()
    assert str(Address("10.0.0.1", 1)) == "10.0.0.1:1"


def test_headers_of_a_connection_and_those_that_it_names_end_with_it() -> None:
    given_ = [("Connection", "close, X-One"), ("connection", "X-Two"), ("X-One", "1"), ("x-two", "2"), ("X-Three", "3")]
    assert list(end_to_end([*given_, ("Transfer-Encoding", "chunked"), (HEADER_NAMESPACE, "x")]).items()) == [
        ("X-Three", "3")
    ]


ALL = [STARTING, CROWDED, ASLEEP, UNANSWERED, MALFORMED]


@pytest.mark.parametrize("problem", ALL, ids=lambda one: one.detail[:12])
def test_programs_get_a_document_and_browsers_a_page(problem: Problem) -> None:
    told = answers.reply(problem, "GET", "application/json")
    assert json.loads(told.body)["type"] == f"https://rooftree.dev/problems/{problem.code}"
    assert told.headers["Content-Type"] == "application/problem+json"
    page = answers.reply(problem, "GET", "text/html,*/*;q=0.8")
    assert page.headers["Content-Type"].startswith("text/html")
    assert problem.title in page.body.decode()
    for one in (told, page):
        assert one.status == problem.status
        assert one.headers.get("Retry-After") == (None if problem.retry_after is None else str(problem.retry_after))
        assert one.headers["Cache-Control"] == "no-store"


def test_only_a_page_that_will_be_there_soon_is_asked_for_again_by_itself_and_no_form_is_sent_twice() -> None:
    assert "Refresh" in answers.reply(STARTING, "GET", "text/html").headers
    assert "Refresh" not in answers.reply(ASLEEP, "GET", "text/html").headers
    sent = answers.reply(STARTING, "POST", "text/html")
    assert "Refresh" not in sent.headers
    assert sent.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("problem", ALL, ids=lambda one: one.detail[:12])
def test_each_problem_has_a_page_that_says_what_it_is(problem: Problem) -> None:
    page = (PROBLEMS / f"{problem.code}.md").read_text()
    assert page.startswith(
        f"# {problem.title}\n`https://rooftree.dev/problems/{problem.code}`, status {problem.status}.\n"
    )
    row = f"| [{problem.code}]({problem.code}.md) | {problem.status} | {problem.title} |"
    assert row in (PROBLEMS / "README.md").read_text()


def test_places_are_counted_for_each_brokerage_and_for_all_and_are_free_again_after_an_error() -> None:
    rooms = Rooms(Limits(requests=3, requests_of_one=2, held=100, held_of_one=60))
    with rooms.place("a", 30), rooms.place("a", 30):
        with pytest.raises(Crowded), rooms.place("a", 0):
            pass
        with pytest.raises(Crowded), rooms.place("b", 41):
            pass
        with rooms.place("b", 40), pytest.raises(Crowded), rooms.place("c", 0):
            pass
    with pytest.raises(ZeroDivisionError), rooms.place("a", 60):
        raise ZeroDivisionError
    assert (rooms.requests, rooms.held, rooms._rooms) == (0, 0, {})


def test_a_request_that_is_refused_leaves_nothing_behind() -> None:
    rooms = Rooms(Limits(requests=0))
    with pytest.raises(Crowded), rooms.place("a", 0):
        pass
    assert rooms._rooms == {}
