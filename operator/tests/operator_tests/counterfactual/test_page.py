"""The page says what was found in words, a table and a picture, and the JSON says the same."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from rooftree_operator.counterfactual import page, picture, recorded, told, words
from rooftree_operator.counterfactual.question import Question
from rooftree_operator.counterfactual.recorded import Span
from rooftree_operator.counterfactual.replayed import Replay, replay

from .measured import BEGUN, TENANT, Signal, answer
from .test_recorded import between, nobody
from .test_replayed import ASKED, parsed, usual

VOID = {"meta", "input", "br"}


class Reader(HTMLParser):
    """What a browser would make of it: the elements that are open, texts by element, attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def read(found: Replay, **given: str) -> Reader:
    reader = Reader(page.found(found, {"tenant": TENANT, **given}, ("app", "crm")).decode())
    assert reader.open == []
    return reader


def gaps(**others: Signal) -> Replay:
    return replay(ASKED, parsed(arrivals=between(400, 700, None, 60.0), **others))


def test_the_table_has_a_row_for_each_policy_with_what_it_costs_and_breaks() -> None:
    found = read(usual())
    assert [text for text in found.said("th") if text not in ("Policy", *page.COLUMNS)] == [
        one.name for one in usual().rows
    ]
    cells = found.said("span")
    assert cells[0] == "1.00"
    assert {one["data-of"] for one in found.all("td")} == set(page.COLUMNS)
    assert len(found.all("td")) == len(usual().rows) * len(page.COLUMNS)
    assert "broken" in cells


def test_the_summary_names_the_cheapest_that_keeps_the_objective() -> None:
    best = usual().cheapest
    assert best is not None
    said = words.summary(usual())
    assert said.startswith(f"The cheapest that keeps the objective is {best.name}: ")
    assert "instead of 1.00 as it was" in said
    assert re.search(r": 0\.\d\d saved \(\d+%\)\.$", said)
    assert said in read(usual()).said("p")


def test_the_summary_says_so_when_nothing_is_cheaper_or_nothing_would_have_sufficed() -> None:
    dear = replay(replace(ASKED, floor=6), parsed())
    assert words.summary(dear) == "Nothing that keeps the objective is cheaper than it was: 1.00 core-hours."
    hopeless = replay(replace(ASKED, ceiling=1), parsed())
    assert words.summary(hopeless) == "No policy between these limits would have kept the objective."
    broken = words.summary(replay(ASKED, parsed(pods=lambda at: 2, wanted=lambda at: 2)))
    assert re.search(r"0.33 as it was, which broke the objective: 0\.\d\d more \(\d+%\)\.$", broken)


def test_what_is_measured_and_what_is_assumed_is_said() -> None:
    notes = " ".join(words.notes(usual()))
    assert "36,000 requests in 600 seconds" in notes
    assert "a request takes 40 ms of a pod" in notes
    assert "longer than 300 ms; 1.0% may be" in notes
    assert "All figures of late requests are simulated" in notes
    assert "serves 8 s after its order" in notes
    assert "Not measured" not in notes
    assert "Nobody told" not in notes


def test_seconds_that_are_not_known_are_told() -> None:
    assert "Not measured: 300 seconds. They" in " ".join(words.notes(gaps()))
    slept = " ".join(words.notes(gaps(wanted=between(400, 650, 0, 6))))
    assert "Not measured: 300 seconds, 250 of them because it had no pods." in slept
    assert "300 of 600 seconds were measured and count." in read(gaps()).said("caption")


def test_what_nobody_told_is_said_to_be_assumed() -> None:
    untold = dict.fromkeys(("wanted", "floor", "ceiling", "objective", "demand"), nobody)
    found = replay(ASKED, parsed(**untold, residence=lambda at: 0.05))
    notes = " ".join(words.notes(found))
    assert "The operator does not tell what a request takes" in notes
    assert "Nobody told the plan's objective: 300 ms are taken." in notes
    assert "1 and 12 are taken" in notes
    asked = replay(replace(ASKED, floor=1, ceiling=8), found.trace)
    assert "fewest and most" not in " ".join(words.notes(asked))


def test_counts_of_several_seconds_are_said_to_be_means() -> None:
    span = Span(BEGUN, 450, 2, warm_up=300)
    found = replay(ASKED, recorded.parse(answer(span), span))
    assert "second by second, as means of 2 s" in words.notes(found)[0]


def test_the_form_keeps_what_was_asked() -> None:
    found = read(usual(), hours="2", hpa="60", until="2026-11-30T07:00", module="crm")
    values = {one["name"]: one["value"] for one in found.all("input")}
    assert values == {
        "tenant": TENANT,
        "hours": "2",
        "until": "2026-11-30T07:00",
        "hpa": "60",
        **dict.fromkeys(("floor", "ceiling", "start", "objective", "margin", "window", "keda", "kpa"), ""),
    }
    assert [("selected" in one) for one in found.all("option")] == [False, True]
    (form,) = found.all("form")
    assert form == {"method": "get"}


def test_each_field_of_the_form_is_one_that_is_understood() -> None:
    names = {one["name"] for one in (*read(usual()).all("input"), *read(usual()).all("select"))}
    assert names == set(Question.__dataclass_fields__)


def test_it_needs_nothing_from_elsewhere_and_no_script() -> None:
    found = read(usual())
    assert not {"script", "link", "img", "iframe"} & {name for name, _ in found.elements}
    for name, attributes in found.elements:
        assert not [one for one in attributes if one in ("src", "href", "style") or one.startswith("on")], name
    text = page.found(usual(), {}, ()).decode()
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.HEADERS["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_nothing_that_is_asked_becomes_markup() -> None:
    evil = '"><script>alert(1)</script>'
    found = Reader(page.refused("Title", evil, {"tenant": evil, "module": evil, "until": evil}).decode())
    assert found.open == []
    assert "script" not in {name for name, _ in found.elements}
    assert evil in found.said("p")


def test_every_colour_is_there_for_light_and_dark() -> None:
    light, dark = re.findall(r":root\{([^}]*)\}", page.STYLE)
    names = [set(re.findall(r"(--\w+):", one)) for one in (light, dark)]
    assert names[0] == names[1]
    assert set(re.findall(r"var\((--\w+)\)", page.STYLE)) == names[0]


def drawn(found: Replay) -> ET.Element:
    return ET.fromstring(picture.drawn(found))


def marked(svg: ET.Element, look: str) -> list[ET.Element]:
    return [one for one in svg.iter() if look in one.get("class", "").split()]


def test_the_picture_has_a_strip_for_each_policy_that_changes_and_pods_as_they_were_in_each() -> None:
    svg = drawn(usual())
    shown = [one.name for one in usual().rows if not one.name.startswith("always")]
    assert [one.text for one in marked(svg, "name")] == ["requests a second", *shown]
    assert len(marked(svg, "pods")) == len(shown)
    assert len(marked(svg, "as-was")) == len(shown) - 1
    assert len(marked(svg, "arrived")) == 1
    assert not marked(svg, "unknown")


def test_the_picture_marks_what_is_not_known_and_minutes_that_broke_the_objective() -> None:
    rush = between(540, 600, 200.0, 60.0)
    svg = drawn(replay(ASKED, parsed(arrivals=lambda at: None if 700 < at - BEGUN <= 760 else rush(at))))
    assert len(marked(svg, "unknown")) == 1
    assert len(marked(svg, "arrived")) == 2
    assert marked(svg, "late")
    assert not marked(drawn(replay(replace(ASKED, floor=4, hpa=(50,)), parsed())), "late")


def test_nothing_of_the_picture_is_cut() -> None:
    svg = drawn(usual())
    _, _, width, height = (float(one) for one in svg.get("viewBox", "").split())
    for text in svg.iter("text"):
        x, y, look = float(text.get("x", "")), float(text.get("y", "")), text.get("class", "").split()
        # At the largest size of letters: half of 25 wide each.
        wide = 12.5 * len(text.text or "")
        left = x - (wide if "end" in look else wide / 2 if "middle" in look else 0)
        assert left >= 0, text.text
        assert left + wide <= width, text.text
        assert 0 < y <= height


def test_the_json_has_the_same_figures() -> None:
    found = json.loads(told.document(usual()))
    assert found["tenant"] == TENANT
    assert (found["from"], found["until"]) == (BEGUN + 300, BEGUN + 900)
    assert (found["secondsMeasured"], found["secondsNotMeasured"]) == (600, 0)
    assert [one["name"] for one in found["policies"]] == [one.name for one in usual().rows]
    assert (found["summary"], found["notes"]) == (words.summary(usual()), words.notes(usual()))
    was, *_, bound = found["policies"]
    assert (was["coreHours"], was["savedCoreHours"], was["pods"]) == (1.0, 0.0, [[0, 6]])
    assert bound["savedCoreHours"] == pytest.approx(was["coreHours"] - bound["coreHours"], abs=1e-3)
    changes = json.loads(told.document(replay(ASKED, parsed(pods=between(300, 600, 7, 6)))))["policies"][0]["pods"]
    assert changes == [[0, 7], [300, 6]]
