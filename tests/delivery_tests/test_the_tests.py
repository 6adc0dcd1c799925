"""What tests lean on themselves."""

import ast
import gc
import threading

import pytest

WAIT = 0.2
"""Seconds that one parse stands still for the other: a parse takes a thousandth of it."""


class Rubbish:
    """Garbage that says that it is collected, and then lets the other thread have its turn."""

    def __init__(self, collected: threading.Event, parsed: threading.Event) -> None:
        self.itself = self
        self.collected = collected
        self.parsed = parsed

    def __del__(self) -> None:
        self.collected.set()
        self.parsed.wait(WAIT)


@pytest.fixture
def garbage_is_collected_at_once():
    before = gc.get_threshold()
    gc.collect()
    gc.disable()
    gc.set_threshold(10)
    yield
    gc.set_threshold(*before)
    gc.enable()


@pytest.mark.usefixtures("garbage_is_collected_at_once")
def test_a_parse_does_not_fail_because_another_thread_parses_meanwhile() -> None:
    collected, parsed = threading.Event(), threading.Event()

    def parse_meanwhile() -> None:
        collected.wait(10)
        ast.parse("other = 1")
        parsed.set()

    other = threading.Thread(target=parse_meanwhile)
    other.start()
    Rubbish(collected, parsed)
    gc.enable()
    tree = ast.parse("a = [" + "(1, [2])," * 100 + "]")
    other.join(10)
    assert collected.is_set()
    assert parsed.is_set()
    assert isinstance(tree.body[0], ast.Assign)
