"""Tests of the whole system."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.web_owner")
