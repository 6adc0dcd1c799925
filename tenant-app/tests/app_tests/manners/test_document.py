"""What every operation of the API has by its kind, read from its description; an exception has a name and a reason."""

import copy

from rooftree.kernel import idempotency

from .repeatable import DOCUMENT, WITHOUT_KEY, operations, takes_key, unguarded

OPERATIONS = operations(DOCUMENT)


def test_what_makes_something_can_be_sent_again() -> None:
    assert unguarded(DOCUMENT) == set()


def test_a_new_operation_that_makes_something_is_found() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/api/v1/things"] = {"post": {"operationId": "create_thing", "responses": {}}}
    assert unguarded(document) == {"create_thing"}


def test_only_operations_that_need_none_are_excused_from_keys() -> None:
    excused = {name: OPERATIONS[name] for name in WITHOUT_KEY}
    assert {method for method, _, _ in excused.values()} == {"post"}
    assert not any(takes_key(described) for _, _, described in excused.values())


def test_what_takes_a_key_says_how_it_answers() -> None:
    for name, (_, _, described) in OPERATIONS.items():
        if takes_key(described):
            answers = described["responses"]
            assert answers.keys() >= {"400", "409", "422"}, name
            made = [answer for status, answer in answers.items() if status.startswith("2")]
            assert [list(answer["headers"]) for answer in made] == [[idempotency.REPLAYED]], name
