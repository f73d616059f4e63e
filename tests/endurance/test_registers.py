"""The checker of histories is fed right and broken ones, and must tell them apart."""

import random

import pytest

from tests.endurance.registers import Kind, Operation, first_fault, is_linearizable

READ, WRITE, DELETE = Kind.READ, Kind.WRITE, Kind.DELETE
MISSING, SWAP, STALE = Kind.MISSING, Kind.SWAP, Kind.STALE


def op(kind: Kind, began_s: float, ended_s: float, value=None, expected=None) -> Operation:
    return Operation(kind, began_s, ended_s, value, expected)


RIGHT = {
    "one after another": [op(WRITE, 0, 1, "a"), op(READ, 2, 3, "a"), op(DELETE, 4, 5)],
    "a read beside a write sees what was before": [
        op(WRITE, 0, 1, "a"),
        op(WRITE, 2, 5, "b"),
        op(READ, 3, 4, "a"),
    ],
    "a read beside a write sees what comes": [
        op(WRITE, 0, 1, "a"),
        op(WRITE, 2, 5, "b"),
        op(READ, 3, 4, "b"),
    ],
    "writes beside one another come in either order": [
        op(WRITE, 0, 9, "a"),
        op(WRITE, 1, 8, "b"),
        op(READ, 10, 11, "a"),
    ],
    "nothing is there at first": [op(READ, 0, 1, None), op(MISSING, 2, 3)],
    "one of two swaps is stale": [
        op(WRITE, 0, 1, "a"),
        op(SWAP, 2, 5, "b", "a"),
        op(STALE, 2, 5, None, "a"),
        op(READ, 6, 7, "b"),
    ],
    "a swap finds nothing": [op(WRITE, 0, 1, "a"), op(DELETE, 2, 3), op(MISSING, 2.5, 4)],
}
BROKEN = {
    "a write is lost": [op(WRITE, 0, 1, "a"), op(WRITE, 2, 3, "b"), op(READ, 4, 5, "a")],
    "a value comes back": [
        op(WRITE, 0, 1, "a"),
        op(WRITE, 2, 9, "b"),
        op(READ, 3, 4, "b"),
        op(READ, 5, 6, "a"),
    ],
    "a value is read before it is written": [op(READ, 0, 1, "a"), op(WRITE, 2, 3, "a")],
    "a value that nobody wrote": [op(WRITE, 0, 1, "a"), op(READ, 2, 3, "x")],
    "a deleted thing is there": [op(WRITE, 0, 1, "a"), op(DELETE, 2, 3), op(READ, 4, 5, "a")],
    "a thing is gone that nobody deleted": [op(WRITE, 0, 1, "a"), op(READ, 2, 3, None)],
    "two deletes of one thing end well": [
        op(WRITE, 0, 1, "a"),
        op(DELETE, 2, 5),
        op(DELETE, 2, 5),
    ],
    "an update is lost: two swaps of one value end well": [
        op(WRITE, 0, 1, "a"),
        op(SWAP, 2, 5, "b", "a"),
        op(SWAP, 2, 5, "c", "a"),
    ],
    "a swap is stale though nothing changed": [
        op(WRITE, 0, 1, "a"),
        op(STALE, 2, 3, None, "a"),
    ],
    "readers disagree about the order": [
        op(WRITE, 0, 9, "a"),
        op(WRITE, 0, 9, "b"),
        op(READ, 1, 2, "a"),
        op(READ, 3, 4, "b"),
        op(READ, 5, 6, "a"),
    ],
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_history_passes(name: str):
    assert is_linearizable(RIGHT[name])
    assert first_fault(RIGHT[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_history_is_caught(name: str):
    assert not is_linearizable(BROKEN[name])
    assert first_fault(BROKEN[name])


def simulated(seed: int, count: int = 400, caller_count: int = 6) -> list[Operation]:
    """A history of callers of a true register: each operation takes effect within its time."""
    rng = random.Random(seed)
    free_s = [0.0] * caller_count
    begun = []
    for number in range(count):
        caller = rng.randrange(caller_count)
        began_s = free_s[caller] + rng.random()
        ended_s = began_s + rng.random() * 3
        free_s[caller] = ended_s
        begun.append((rng.uniform(began_s, ended_s), began_s, ended_s, number))
    state: str | None = None
    history = []
    for _, began_s, ended_s, number in sorted(begun):
        match rng.choice(("read", "write", "delete", "swap")):
            case "read":
                history.append(op(READ, began_s, ended_s, state))
            case "write":
                state = str(number)
                history.append(op(WRITE, began_s, ended_s, state))
            case "delete":
                history.append(op(MISSING if state is None else DELETE, began_s, ended_s))
                state = None
            case _ if state is None:
                history.append(op(MISSING, began_s, ended_s))
            case _ if rng.random() < 0.5:
                history.append(op(STALE, began_s, ended_s, None, "of long ago"))
            case _:
                history.append(op(SWAP, began_s, ended_s, str(number), state))
                state = str(number)
    return history


@pytest.mark.parametrize("seed", range(5))
def test_a_true_register_passes(seed: int):
    assert is_linearizable(simulated(seed))


@pytest.mark.parametrize("seed", range(5))
def test_one_wrong_answer_among_hundreds_is_caught(seed: int):
    history = simulated(seed)
    rng = random.Random(seed)
    reads = [i for i, o in enumerate(history) if o.kind is READ and o.value is not None]
    writes = [o for o in history if o.kind is WRITE]
    place = rng.choice(reads[len(reads) // 2 :])
    wrong = history[place]
    # The value of a write that ended long before, and was written over since.
    old = next(w for w in writes if w.ended_s < wrong.began_s and w.value != wrong.value)
    history[place] = op(READ, wrong.began_s, wrong.ended_s, old.value)
    found = first_fault(history)

    assert not is_linearizable(history)
    assert any(abs(o.ended_s - wrong.ended_s) < 10 for o in found)
