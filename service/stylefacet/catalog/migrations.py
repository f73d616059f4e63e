"""Brings a database of an earlier release to this one's schema; knows nothing of the rows' use.

A step describes tables as they were meant at its version, in words of its own: `tables` moves on,
and what a step once did to somebody's database must stay what it does to the next one's.
"""

from collections.abc import Callable

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)


def migrate(connection: Connection, version: int) -> None:
    """Takes the schema from a version to the present one, inside the caller's transaction."""
    for step in _STEPS[version - 1 :]:
        step(connection)


def _add_operations(connection: Connection) -> None:
    """Version 2: operations, kept so that they survive a restart."""
    key = BigInteger().with_variant(Integer(), "sqlite")
    text = String().with_variant(String(collation="C"), "postgresql")
    Table(
        "operations",
        MetaData(),
        Column("operation_key", key, primary_key=True, autoincrement=True),
        Column("id", text, nullable=False, unique=True),
        Column("kind", text, nullable=False),
        Column("request", JSON, nullable=False),
        Column("request_id", text, unique=True),
        Column("state", text, nullable=False),
        Column("owner", text, nullable=False),
        Column("beat", BigInteger, nullable=False),
        Column("lost_count", Integer, nullable=False),
        Column("cancel_requested", Boolean, nullable=False),
        Column("progress", JSON, nullable=False),
        Column("result", JSON),
        Column("error", JSON),
        Column("create_time", BigInteger, nullable=False),
        Column("start_time", BigInteger),
        Column("update_time", BigInteger, nullable=False),
        Column("end_time", BigInteger),
        Index("operations_by_state", "state"),
        sqlite_autoincrement=True,
    ).create(connection)


def _add_handled_requests(connection: Connection) -> None:
    """Version 3: answers kept for repeated requests; what people should know of a feature."""
    text = String().with_variant(String(collation="C"), "postgresql")
    Table(
        "handled_requests",
        MetaData(),
        Column("id", text, primary_key=True),
        Column("digest", text, nullable=False),
        Column("answer", JSON, nullable=False),
        Column("create_time", BigInteger, nullable=False, index=True),
    ).create(connection)
    collation = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    connection.exec_driver_sql(
        f"ALTER TABLE features ADD COLUMN description VARCHAR{collation} DEFAULT '' NOT NULL"
    )


def _add_encoder_life(connection: Connection) -> None:
    """Version 4: installed bundles, an encoder a category, and what was switched when."""
    key = BigInteger().with_variant(Integer(), "sqlite")
    text = String().with_variant(String(collation="C"), "postgresql")
    made = MetaData()
    Table("encoders", made, Column("encoder_key", key, primary_key=True))
    Table(
        "encoder_files",
        made,
        Column(
            "encoder_key", ForeignKey("encoders.encoder_key", ondelete="CASCADE"), primary_key=True
        ),
        Column("name", text, primary_key=True),
        Column("content", LargeBinary, nullable=False),
    ).create(connection)
    Table(
        "encoder_assignments",
        made,
        Column("category", text, primary_key=True),
        Column("encoder_key", ForeignKey("encoders.encoder_key"), nullable=False),
    ).create(connection)
    Table(
        "encoder_switches",
        made,
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("earlier", JSON, nullable=False),
        Column("later", JSON, nullable=False),
        Column("create_time", BigInteger, nullable=False),
    ).create(connection)
    collation = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    connection.exec_driver_sql("ALTER TABLE encoders ADD COLUMN install_time BIGINT")
    connection.exec_driver_sql(
        "ALTER TABLE feature_realisations ADD COLUMN examples_digest "
        f"VARCHAR{collation} DEFAULT '' NOT NULL"
    )
    connection.exec_driver_sql(
        "ALTER TABLE change_counter ADD COLUMN encoder_sequence BIGINT DEFAULT '0' NOT NULL"
    )


def _allow_packed_inputs(connection: Connection) -> None:
    """Version 5: kept inputs may be packed, which earlier releases cannot read; tables stay."""


# The step at place n takes version n + 1 to n + 2.
_STEPS: tuple[Callable[[Connection], None], ...] = (
    _add_operations,
    _add_handled_requests,
    _add_encoder_life,
    _allow_packed_inputs,
)
OLDEST_VERSION = 1
