"""How SQLite goes about the statements that run for every row: by key, never through a table."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import event

from stylefacet.catalog.store import Store
from tests.catalog.rows import E1, digest, make_row

CALLS: dict[str, Callable[[Store], object]] = {
    "image rows of a product": lambda store: store.image_rows([1, 2, 3], "e1"),
    "a digest that is known": lambda store: store.find_images([digest("1"), digest("2")], "e1"),
    "embeddings of a product": lambda store: store.list_embeddings("p1", "e1"),
    "a product as a query": lambda store: store.read_query("p1", "e1"),
    "products of images": lambda store: store.products_by_images([1, 2, 3]),
    "products of a style": lambda store: store.find_of_styles(["s", "t"], "e1"),
    "products by id": lambda store: store.find_product_keys(["p1", "p2"]),
    "images an encoder has not seen": lambda store: store.encoders.list_missing_of(["p1"], "e2"),
    "changes since": lambda store: store.changes_since(3),
}


@pytest.mark.parametrize("name", CALLS)
def test_statement_looks_rows_up_instead_of_going_through_all(name, shared_url, now):
    with Store(shared_url, now) as store:
        if store._database._is_postgresql:
            pytest.skip("PostgreSQL plans by the statistics of its tables")
        store.write_rows([make_row(f"p{n}", str(n), style_id="s") for n in range(20)], E1)
        asked: list[str] = []
        event.listen(
            store._database._engine,
            "checkout",
            lambda connection, *_: connection.set_trace_callback(asked.append),
        )
        CALLS[name](store)
        with store._database.reading() as connection:
            steps = [
                row[3]
                for statement in asked.copy()
                if statement.startswith("SELECT")
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            ]

    whole = [s for s in steps if re.match(r"SCAN (?!change_counter)", s)]
    # All embeddings of one encoder are the whole table too.
    whole += [s for s in steps if s.startswith("SEARCH embeddings") and "image_key=?" not in s]
    assert steps
    assert whole == []
