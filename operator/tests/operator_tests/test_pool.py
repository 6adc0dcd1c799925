"""What the pool does next: whatever is there, it comes to what is wanted, and is then at rest."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.api.plan import BrokeragePlanSpec
from rooftree_operator.names import mint_spare
from rooftree_operator.plans import Named
from rooftree_operator.pool import Add, Prepare, Remove, Wanted, next_step
from rooftree_operator.release import parsed
from rooftree_operator.spares import Spare, SpareState

from .world import PLATFORM, manifest

MOST_STEPS = 60
RELEASE = parsed("1.0.0", "localhost/app:1.0.0", manifest("1.0.0", {"identity": "r1"}))


def wanted(count: int) -> Wanted:
    plan = BrokeragePlanSpec.model_validate({"displayName": "Starter", "warm": count})
    return Wanted(Named("starter", plan), RELEASE, PLATFORM)


DIGEST = wanted(1).digest
ROWS = st.lists(
    st.tuples(
        st.sampled_from([state for state in SpareState if state is not SpareState.GONE]),
        st.sampled_from(["1.0.0", "0.9.0"]),
        st.sampled_from([DIGEST, "another"]),
    ),
    max_size=8,
).map(
    lambda rows: [
        Spare(mint_spare(number.to_bytes(4, "big")), "starter", version, state, digest)
        for number, (state, version, digest) in enumerate(rows)
    ]
)


def after(found: list[Spare], step: Add | Prepare | Remove) -> list[Spare]:
    match step:
        case Add(fit):
            new = mint_spare((1000 + len(found)).to_bytes(4, "big"))
            return [*found, Spare(new, fit.plan, fit.version, SpareState.MAKING)]
        case Prepare(spare, recipe):
            made = replace(spare, state=SpareState.READY, digest=recipe.digest)
            return [made if one == spare else one for one in found]
        case Remove(spare):
            return [one for one in found if one != spare]


@given(ROWS, st.integers(0, 20))
def test_whatever_is_there_it_comes_to_what_is_wanted_and_rests(found: list[Spare], count: int) -> None:
    recipe = wanted(count) if count else None
    taken = [spare for spare in found if spare.state is SpareState.TAKEN]
    for _ in range(MOST_STEPS):
        step = next_step(found, recipe)
        if step is None:
            break
        if not isinstance(step, Add):
            assert step.spare.state is not SpareState.TAKEN, "it is some brokerage's"
        found = after(found, step)
    assert next_step(found, recipe) is None
    left = [spare for spare in found if spare.state is not SpareState.TAKEN]
    assert {(spare.state, spare.version, spare.digest) for spare in left} <= {(SpareState.READY, "1.0.0", DIGEST)}
    assert [spare for spare in found if spare.state is SpareState.TAKEN] == taken
    assert len(left) <= count <= len(left) + len(taken)


def test_one_spare_is_made_after_the_other() -> None:
    half = Spare(mint_spare(bytes(4)), "starter", "1.0.0", SpareState.MAKING)
    assert isinstance(next_step([], wanted(2)), Add)
    assert next_step([half], wanted(2)) == Prepare(half, wanted(2))


def test_the_number_of_spares_and_what_a_brokerage_is_called_are_nothing_that_a_spare_is_made_from() -> None:
    assert wanted(1).digest == wanted(20).digest
    assert wanted(1).digest != replace(wanted(1), platform=replace(PLATFORM, postgres_port=5433)).digest
