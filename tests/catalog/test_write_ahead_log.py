"""A log that lost commits is told from one whose last commit was never finished."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stylefacet.catalog.store import Store
from stylefacet.catalog.write_ahead_log import find_damage
from stylefacet.errors import StoreCorrupt

COMMIT_COUNT = 30
# Dies without closing the database, as a killed server does; a log of three pages a commit.
WRITE_AND_DIE = f"""
import os, random, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("CREATE TABLE pages (content)")
random.seed(0)
for _ in range({COMMIT_COUNT}):
    database.execute("INSERT INTO pages VALUES (?)", (random.randbytes(3000),))
os._exit(0)
"""


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crashed") / "c.db"
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], check=True)
    return path


@pytest.fixture
def database(crashed: Path, tmp_path: Path) -> Path:
    for suffix in ("", "-wal", "-shm"):
        shutil.copy(f"{crashed}{suffix}", tmp_path / f"c.db{suffix}")
    return tmp_path / "c.db"


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 16
    path.write_bytes(content)


def test_a_whole_log_is_not_damaged(database: Path):
    assert find_damage(database) is None
    assert find_damage(database.with_name("none.db")) is None


@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.9])
def test_damage_before_the_last_commit_is_found(database: Path, share: float, has_index: bool):
    log = Path(f"{database}-wal")
    flip(log, int(log.stat().st_size * share))
    if not has_index:
        Path(f"{database}-shm").unlink()

    damage = find_damage(database)

    assert damage is not None
    assert damage.readable_bytes <= max(32, log.stat().st_size * share)


@pytest.mark.parametrize("share", [0.999, 0.5, 0.01])
def test_a_log_that_was_cut_off_is_found_by_its_index(database: Path, share: float):
    log = Path(f"{database}-wal")
    log.write_bytes(log.read_bytes()[: int(log.stat().st_size * share)])

    assert find_damage(database) is not None


def test_a_last_commit_that_was_never_finished_is_no_damage(database: Path):
    log = Path(f"{database}-wal")
    Path(f"{database}-shm").unlink()
    flip(log, log.stat().st_size - 100)

    assert find_damage(database) is None


def test_what_an_earlier_run_of_the_log_left_is_no_damage(database: Path):
    again = WRITE_AND_DIE.replace("CREATE TABLE pages (content)", "PRAGMA wal_checkpoint(RESTART)")
    again = again.replace(f"range({COMMIT_COUNT})", "range(3)")
    subprocess.run([sys.executable, "-c", again, str(database)], check=True)

    assert find_damage(database) is None
    Path(f"{database}-shm").unlink()
    assert find_damage(database) is None


def test_a_store_is_not_opened_without_commits_that_were_acknowledged(database: Path, now):
    flip(Path(f"{database}-wal"), 50_000)

    with pytest.raises(StoreCorrupt, match=r"truncate -s \d+ c\.db-wal"):
        Store(f"sqlite:///{database}", now)
