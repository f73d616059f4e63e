"""Says which column of a table holds which field of a product; reads no table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stylefacet.errors import InvalidField

PRODUCT_FIELDS = ("product_id", "image", "category", "display_name", "style_id")
PREFIXES = ("labels.", "numbers.")
FIELD_RULE = f"a field is {', '.join(PRODUCT_FIELDS)}, labels.NAME or numbers.NAME"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Columns given to fields in so many words; others are taken by their own names.

    A column may serve several fields. One that is mapped no longer serves the field it is named
    after, and a field that is mapped to is not taken from the column named after it.
    """

    explicit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fields_of(self, column: str) -> tuple[str, ...]:
        """Returns the fields that a column holds; none for a column that is ignored."""
        if column in self.explicit:
            return self.explicit[column]
        taken = any(column in fields for fields in self.explicit.values())
        return (column,) if is_field(column) and not taken else ()

    def ignored(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Returns the columns that no field is taken from."""
        return tuple(column for column in columns if not self.fields_of(column))

    def check(self, columns: Sequence[str], required: Sequence[str], where: str) -> None:
        """Refuses a table that lacks a mapped column or a required field.

        Raises:
            InvalidField: naming what is missing and the columns found.
        """
        found = ", ".join(columns)
        for column in self.explicit:
            if column not in columns:
                raise InvalidField(where, f"has no column {column!r} to map; it has {found}")
        held = {name for column in columns for name in self.fields_of(column)}
        missing = [name for name in required if name not in held]
        if missing:
            raise InvalidField(
                where,
                f"has no column {', '.join(missing)}; it has {found}. "
                f"Name the one that holds it: --map COLUMN={missing[0]}",
            )


def is_field(name: str) -> bool:
    """Whether a name is that of a field of a manifest."""
    return name in PRODUCT_FIELDS or any(
        name.startswith(prefix) and len(name) > len(prefix) for prefix in PREFIXES
    )


def parse_column_map(pairs: Iterable[str], fields: Sequence[str] = ()) -> ColumnMap:
    """Returns the map that texts ``COLUMN=FIELD`` stand for.

    ``fields`` are the fields a table may have where they are not those of a product.

    Raises:
        InvalidField: for a text of another form, an unknown field, or a field mapped twice.
    """
    explicit: dict[str, tuple[str, ...]] = {}
    sources: dict[str, str] = {}
    for pair in pairs:
        column, separator, name = pair.rpartition("=")
        column, name = column.strip(), name.strip()
        if not separator or not column or not name:
            raise InvalidField("--map", f"{pair!r} is not COLUMN=FIELD, such as filename=image")
        if not (name in fields if fields else is_field(name)):
            rule = f"a field is {', '.join(fields)}" if fields else FIELD_RULE
            raise InvalidField("--map", f"{name!r} is no field; {rule}")
        if sources.setdefault(name, column) != column:
            raise InvalidField("--map", f"{name} is mapped from {sources[name]} and {column}")
        if name not in explicit.get(column, ()):
            explicit[column] = (*explicit.get(column, ()), name)
    return ColumnMap(explicit)
