"""The SQL schema, portable between SQLite and PostgreSQL; knows nothing of the values' use.

Integer keys stand beside string ids because the vector index wants them; a key is never used
twice, so a late follower cannot take a new product for a deleted one. To change the schema, raise
``SCHEMA_VERSION`` and add a step to `migrations`.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA_VERSION = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """A time with zone, stored as microseconds since 1970 so that every database agrees."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Returns what the database stores."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Returns the UTC time that was stored."""
        return None if value is None else read_time(value)


def read_time(stored: int) -> datetime:
    """Returns the UTC time that `UtcTime` stored."""
    # Half the time of adding to the epoch, of which a page of hits needs two hundred; the float is
    # exact to the microsecond until the year 2100.
    return datetime.fromtimestamp(stored / 1e6, UTC)


# SQLite numbers rows itself only in a column that is declared INTEGER.
_Key = BigInteger().with_variant(Integer(), "sqlite")
# Text in code point order everywhere: paging and filters must not depend on a server's locale.
_Text = String().with_variant(String(collation="C"), "postgresql")

metadata = MetaData()

# schema_version, active_encoder: facts about the store as a whole.
properties = Table(
    "properties",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("value", _Text, nullable=False),
)

# One row. A writer locks it first and keeps it to the commit: numbers follow commit order.
change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    # The sequence number of the latest change to any feature.
    Column("feature_sequence", BigInteger, nullable=False),
    # And of the latest change to which encoder serves what.
    Column("encoder_sequence", BigInteger, nullable=False, server_default="0"),
)

products = Table(
    "products",
    metadata,
    Column("product_key", _Key, primary_key=True, autoincrement=True),
    Column("id", _Text, nullable=False, unique=True),
    Column("display_name", _Text, nullable=False),
    Column("category", _Text, nullable=False),
    Column("style_id", _Text, nullable=False),
    # A 63-bit digest of style_id, null without one: what an index groups by.
    Column("style_key", BigInteger),
    Column("etag", _Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Index("products_by_category", "category"),
    Index("products_by_style", "style_id"),
    sqlite_autoincrement=True,
)


def _of_product() -> Column[int]:
    return Column(
        "product_key", ForeignKey(products.c.product_key, ondelete="CASCADE"), primary_key=True
    )


product_labels = Table(
    "product_labels",
    metadata,
    _of_product(),
    Column("name", _Text, primary_key=True),
    Column("value", _Text, nullable=False),
    Index("product_labels_by_value", "name", "value", "product_key"),
    sqlite_with_rowid=False,
)

product_numbers = Table(
    "product_numbers",
    metadata,
    _of_product(),
    Column("name", _Text, primary_key=True),
    Column("value", Double, nullable=False),
    Index("product_numbers_by_value", "name", "value", "product_key"),
    sqlite_with_rowid=False,
)

# Letterboxed encoder inputs; images share them by digest.
kept_inputs = Table(
    "kept_inputs",
    metadata,
    Column("sha256", _Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

images = Table(
    "images",
    metadata,
    Column("image_key", _Key, primary_key=True, autoincrement=True),
    Column(
        "product_key",
        ForeignKey(products.c.product_key, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("id", _Text, nullable=False),
    Column("content_sha256", _Text, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("input_sha256", ForeignKey(kept_inputs.c.sha256)),
    Column("create_time", UtcTime, nullable=False),
    UniqueConstraint("product_key", "id"),
    UniqueConstraint("product_key", "content_sha256"),
    Index("images_by_content", "content_sha256"),
    Index("images_by_input", "input_sha256"),
    sqlite_autoincrement=True,
)

encoders = Table(
    "encoders",
    metadata,
    Column("encoder_key", _Key, primary_key=True, autoincrement=True),
    Column("id", _Text, nullable=False, unique=True),
    # When its bundle was installed; null for one that is known by its vectors alone.
    Column("install_time", UtcTime),
)

# The bundles, so that every server on the database can load every encoder.
encoder_files = Table(
    "encoder_files",
    metadata,
    Column("encoder_key", ForeignKey(encoders.c.encoder_key, ondelete="CASCADE"), primary_key=True),
    Column("name", _Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# The categories that another encoder serves than the default one, which is `active_encoder`.
encoder_assignments = Table(
    "encoder_assignments",
    metadata,
    Column("category", _Text, primary_key=True),
    Column("encoder_key", ForeignKey(encoders.c.encoder_key), nullable=False),
)

# Every change of the above: what to go back to.
encoder_switches = Table(
    "encoder_switches",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("earlier", JSON, nullable=False),
    Column("later", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False),
)

# The encoder leads the key: reading all vectors of one encoder is one range scan.
embeddings = Table(
    "embeddings",
    metadata,
    Column("encoder_key", ForeignKey(encoders.c.encoder_key), primary_key=True),
    Column("image_key", ForeignKey(images.c.image_key, ondelete="CASCADE"), primary_key=True),
    Column("mean", LargeBinary, nullable=False),  # d little-endian float32
    Column("novelty", Double, nullable=False),
    Index("embeddings_by_image", "image_key"),
    sqlite_with_rowid=False,
)

features = Table(
    "features",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("display_name", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("dimensions", JSON, nullable=False),
    Column("examples", JSON, nullable=False),
    Column("etag", _Text, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("description", _Text, nullable=False, server_default=""),
)

feature_realisations = Table(
    "feature_realisations",
    metadata,
    Column("feature", ForeignKey(features.c.name, ondelete="CASCADE"), primary_key=True),
    Column("encoder_key", ForeignKey(encoders.c.encoder_key), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("coordinate_count", Integer, nullable=False),
    Column("matrix", LargeBinary, nullable=False),  # (k, d) little-endian float32, row by row
    Column("scale", Double, nullable=False),
    Column("model", JSON, nullable=False),
    # Tells whether the examples are still those that it was fitted on.
    Column("examples_digest", _Text, nullable=False, server_default=""),
)

# One row a product that ever was: its latest change. A deleted product leaves a tombstone.
changes = Table(
    "changes",
    metadata,
    Column("product_key", BigInteger, primary_key=True, autoincrement=False),
    Column("product_id", _Text, nullable=False),
    Column("sequence", BigInteger, nullable=False, index=True),
    Column("deleted", Boolean, nullable=False),
)

# What was answered to the requests that callers numbered, so that none is done twice.
handled_requests = Table(
    "handled_requests",
    metadata,
    Column("id", _Text, primary_key=True),
    Column("digest", _Text, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False, index=True),
)

# Work that outlives a call. ``owner`` is the server at work on it, empty when none is; it raises
# ``beat`` as long as it lives, so another can tell by its own clock when to take over.
operations = Table(
    "operations",
    metadata,
    Column("operation_key", _Key, primary_key=True, autoincrement=True),
    Column("id", _Text, nullable=False, unique=True),
    Column("kind", _Text, nullable=False),
    Column("request", JSON, nullable=False),
    Column("request_id", _Text, unique=True),
    Column("state", _Text, nullable=False),
    Column("owner", _Text, nullable=False),
    Column("beat", BigInteger, nullable=False),
    # How often its server went away without a word.
    Column("lost_count", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("error", JSON(none_as_null=True)),
    Column("create_time", UtcTime, nullable=False),
    Column("start_time", UtcTime),
    Column("update_time", UtcTime, nullable=False),
    Column("end_time", UtcTime),
    Index("operations_by_state", "state"),
    sqlite_autoincrement=True,
)
