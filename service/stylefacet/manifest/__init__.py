"""From a folder or a manifest file to checked rows of products and photos."""

from stylefacet.manifest.columns import ColumnMap, parse_column_map
from stylefacet.manifest.rows import BadRow, ManifestRow
from stylefacet.manifest.sources import DEFAULT_FOLDER_CATEGORY, Source, open_source
from stylefacet.manifest.tables import Table, open_table

__all__ = [
    "DEFAULT_FOLDER_CATEGORY",
    "BadRow",
    "ColumnMap",
    "ManifestRow",
    "Source",
    "Table",
    "open_source",
    "open_table",
    "parse_column_map",
]
