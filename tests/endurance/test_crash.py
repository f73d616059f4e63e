"""A few rounds of the crash harness; ``python -m tests.endurance.crash`` runs hundreds."""

import sys
from pathlib import Path

import pytest

from tests.endurance.crash import crash_rounds, make_ground
from tests.endurance.site import new_site


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
@pytest.mark.parametrize("with_postgresql", [False, True], ids=["sqlite", "postgresql"])
def test_what_was_acknowledged_outlives_kills(with_postgresql: bool, tmp_path: Path):
    with new_site(with_postgresql) as site:
        *_, tally = crash_rounds(make_ground(site, tmp_path), round_count=2, seed=1)

    assert tally.round_count == 2
    assert tally.acknowledged_count > 0
