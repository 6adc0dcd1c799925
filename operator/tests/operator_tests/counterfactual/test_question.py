"""What an address asks for; nonsense is refused in words that say what is meant."""

import pytest
from rooftree_operator.counterfactual.question import BadQuestion, Question, parse
from rooftree_operator.pods import APP
from rooftree_operator.scaling.policy import Settings
from rooftree_operator.scaling.replay.keda import KedaSettings
from rooftree_operator.scaling.replay.kpa import KpaSettings
from rooftree_operator.scaling.replay.world import Service

TENANT = {"tenant": "acme-0a1b2c3d"}


def test_a_tenant_alone_asks_for_its_last_hour_and_for_policies_as_they_come() -> None:
    asked = parse(TENANT)
    assert asked == Question("acme-0a1b2c3d")
    assert (asked.module, asked.hours, asked.until, asked.start) == (APP, 1.0, None, Service().start)
    assert (asked.margin, asked.window) == (Settings().margin, Settings().window)
    assert (asked.keda, asked.kpa) == (KedaSettings().threshold, KpaSettings().target_percentage)


def test_an_empty_field_of_the_form_asks_for_nothing() -> None:
    assert parse({**TENANT, "floor": "", "until": " ", "hpa": ""}) == parse(TENANT)


def test_all_that_may_be_asked_for_is_understood() -> None:
    asked = parse(
        {
            **TENANT,
            "module": "crm",
            "hours": "2.5",
            "until": "2026-11-30T07:00",
            "start": "20",
            "floor": "2",
            "ceiling": "12",
            "objective": "250",
            "margin": "1.5",
            "window": "120",
            "hpa": "80, 60",
            "keda": "0.9",
            "kpa": "80",
        }
    )
    assert asked == Question(
        "acme-0a1b2c3d", "crm", 2.5, 1_796_022_000, 20, 2, 12, 0.25, 1.5, 120.0, (60, 80), 0.9, 0.8
    )


@pytest.mark.parametrize("text", ["2026-11-30T07:00", "2026-11-30T07:00:00Z", "2026-11-30T09:00+02:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert parse({**TENANT, "until": text}).until == 1_796_022_000


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tenant": ""}, "Whose time"),
        ({"tenant": "acme"}, "'acme' is no id"),
        ({"tenant": 'acme-0a1b2c3d"} or vector(1)'}, "no id"),
        ({"module": 'app"'}, "no module's name"),
        ({"hours": "0"}, "Hours: '0' is not a number from 0.25 to 6"),
        ({"hours": "7"}, "from 0.25 to 6"),
        ({"hours": "nan"}, "from 0.25 to 6"),
        ({"hours": "one"}, "'one' is no number"),
        ({"floor": "1.5"}, "Fewest pods: '1.5' is not a whole number from 1 to 200"),
        ({"floor": "5", "ceiling": "4"}, r"fewest pods \(5\) are more than the most \(4\)"),
        ({"hpa": "50 60 70 80 90"}, "at most 4"),
        ({"hpa": "50 5"}, "HPA: targets"),
        ({"until": "yesterday"}, "'yesterday' is no time"),
        ({"kpa": "0.7"}, "Knative: target"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadQuestion, match=said):
        parse({**TENANT, **given})
