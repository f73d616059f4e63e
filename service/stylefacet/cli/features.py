"""`stylefacet features` and `stylefacet predict`: names for what the encoder sees."""

from collections.abc import Sequence
from pathlib import Path

import click

from stylefacet.cli.options import FILE, Target, encoder_option, json_option, server_options
from stylefacet.cli.output import tell, write_facts, write_json, write_table
from stylefacet.client import Feature
from stylefacet.client.files import read_photo
from stylefacet.errors import InvalidField
from stylefacet.manifest import open_table, parse_column_map

_EXAMPLE_FIELDS = ("product_id", "value")


@click.group()
def features() -> None:
    """See, make and fit features: what a search can weigh.

    \b
    Example:
      stylefacet features list
    """


@features.command("list")
@encoder_option
@server_options
@json_option
def list_features(encoder: str, target: Target, as_json: bool) -> None:
    """List all features: those of the encoder's bundle and those made since.

    \b
    Example:
      stylefacet features list
    """
    with target.connect() as client:
        found = list(client.list_features(encoder))
    if as_json:
        write_json(found)
        return
    write_table(
        ["feature", "kind", "origin", "coordinates", "carried", "accuracy", "name"],
        [
            [
                f.feature_id,
                f.kind,
                f.origin,
                str(f.coordinate_count),
                _carried(f),
                _accuracy(f),
                f.display_name,
            ]
            for f in found
        ],
        right=("coordinates",),
    )


@features.command("get")
@click.argument("feature")
@encoder_option
@server_options
@json_option
def get_feature(feature: str, encoder: str, target: Target, as_json: bool) -> None:
    """Show one feature.

    \b
    Example:
      stylefacet features get collar
    """
    with target.connect() as client:
        found = client.get_feature(feature, encoder)
    _show(found, as_json)


@features.command("create")
@click.argument("feature")
@click.option("--dimensions", help="Latent dimensions, such as 3,7.")
@click.option("--block", default="", help="A latent block of the encoder, all its dimensions.")
@click.option("--display-name", default="", help="Shown to people.")
@encoder_option
@server_options
@json_option
def create_feature(
    feature: str,
    dimensions: str | None,
    block: str,
    display_name: str,
    encoder: str,
    target: Target,
    as_json: bool,
) -> None:
    """Make a feature of chosen latent dimensions, or of a block of them.

    \b
    Examples:
      stylefacet features create sleeve-length --dimensions 3,7
      stylefacet features create outline --block body
    """
    if (dimensions is None) == (not block):
        raise click.UsageError("give either --dimensions 3,7 or --block NAME")
    chosen = _dimensions(dimensions) if dimensions is not None else ()
    with target.connect() as client:
        made = client.create_feature(
            feature, dimensions=chosen, block=block, display_name=display_name, encoder=encoder
        )
    _show(made, as_json)


@features.command("fit")
@click.argument("feature")
@click.option(
    "--from",
    "table",
    type=FILE,
    required=True,
    help="CSV or JSONL with the columns product_id and value; blank values are left out.",
)
@click.option(
    "--map",
    "column_map",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Take product_id or value from a column of another name.",
)
@click.option("--display-name", default="", help="Shown to people.")
@server_options
@json_option
def fit_feature(
    feature: str,
    table: Path,
    column_map: tuple[str, ...],
    display_name: str,
    target: Target,
    as_json: bool,
) -> None:
    """Fit a feature from products whose value is known.

    A name that was fitted before is fitted anew. No photo is embedded again. The quality shown is
    cross-validated; a feature that the encoder does not carry is said to be so.

    \b
    Examples:
      stylefacet features fit neckline --from labels.csv
      stylefacet features fit neckline --from labels.csv --map article_id=product_id \\
        --map neck=value
    """
    examples = read_examples(table, column_map)
    with target.connect() as client:
        fitted = client.fit_feature(feature, examples, display_name)
    _show(fitted, as_json)
    if fitted.quality is not None and not fitted.quality.carried:
        tell(f"note: the encoder does not carry {feature}; a search by it means little")


@features.command("update")
@click.argument("feature")
@click.option("--display-name", help="New name for people.")
@click.option("--description", help="What people should know of it.")
@click.option(
    "--from",
    "table",
    type=FILE,
    help="Fit it anew from this CSV or JSONL with the columns product_id and value.",
)
@click.option(
    "--map",
    "column_map",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Take product_id or value from a column of another name.",
)
@click.option("--keep-examples", is_flag=True, help="Add to the stored examples.")
@click.option("--refit", is_flag=True, help="Fit it anew from the stored examples.")
@click.option("--refresh-scale", is_flag=True, help="Take the scale from today's catalogue.")
@click.option("--dry-run", is_flag=True, help="Show what would come of it; change nothing.")
@encoder_option
@server_options
@json_option
def update_feature(
    feature: str,
    display_name: str | None,
    description: str | None,
    table: Path | None,
    column_map: tuple[str, ...],
    keep_examples: bool,
    refit: bool,
    refresh_scale: bool,
    dry_run: bool,
    encoder: str,
    target: Target,
    as_json: bool,
) -> None:
    """Change what a feature is called, what it was fitted on, or its scale.

    What is not named stays. A new fit or scale makes a new version, which searches use at once.

    \b
    Examples:
      stylefacet features update neckline --from more.csv --keep-examples
      stylefacet features update neckline --refresh-scale --description "As of spring"
    """
    texts = (display_name, description)
    if all(text is None for text in texts) and not (table or refit or refresh_scale):
        raise click.UsageError("name what to change, such as --refit or --description TEXT")
    examples = read_examples(table, column_map) if table is not None else None
    with target.connect() as client:
        changed = client.update_feature(
            feature,
            display_name=display_name,
            description=description,
            examples=examples,
            keep_examples=keep_examples,
            refit=refit,
            refresh_scale=refresh_scale,
            encoder=encoder,
            validate_only=dry_run,
        )
    _show(changed, as_json)
    if dry_run:
        tell("note: nothing was changed")


@features.command("examples")
@click.argument("feature")
@server_options
@json_option
def list_examples(feature: str, target: Target, as_json: bool) -> None:
    """List what a feature was fitted on: products and their values.

    \b
    Example:
      stylefacet features examples neckline
    """
    with target.connect() as client:
        found = list(client.list_examples(feature))
    if as_json:
        write_json([{"product_id": product, "value": value} for product, value in found])
    else:
        write_table(["product", "value"], found)


@features.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="FEATURE...")
@server_options
def delete_features(names: tuple[str, ...], target: Target) -> None:
    """Delete features made at run time.

    \b
    Example:
      stylefacet features delete neckline
    """
    with target.connect() as client:
        for name in names:
            client.delete_feature(name)
            tell(f"deleted {name}")


@click.command()
@click.option("--product", help="Id of a stored product.")
@click.option("--image", type=FILE, help="Photo file.")
@click.option("--feature", "names", multiple=True, help="Only this one; may be given again.")
@click.option("--category", default="", help="With --image: of which encoder's category it is.")
@server_options
@json_option
def predict(
    product: str | None,
    image: Path | None,
    names: tuple[str, ...],
    category: str,
    target: Target,
    as_json: bool,
) -> None:
    """Say which values of fitted features a product or a photo has.

    \b
    Examples:
      stylefacet predict --product 4711
      stylefacet predict --image shirt.jpg --feature neckline
    """
    if (product is None) == (image is None):
        raise click.UsageError("give either --product ID or --image FILE")
    with target.connect() as client:
        content = read_photo(image) if image is not None else None
        found = client.predict(product=product, content=content, features=names, category=category)
    if as_json:
        write_json(
            [
                {
                    "feature_id": p.feature_id,
                    "carried": p.carried,
                    "values": [{"value": v, "probability": share} for v, share in p.values],
                }
                for p in found
            ]
        )
    elif not found:
        tell("no feature has been fitted yet: stylefacet features fit NAME --from labels.csv")
    else:
        write_table(
            ["feature", "value", "probability", "other values"],
            [
                [
                    p.feature_id,
                    p.values[0][0] if p.values else "not carried",
                    f"{p.values[0][1]:.0%}" if p.values else "",
                    ", ".join(f"{value} {share:.0%}" for value, share in p.values[1:4]),
                ]
                for p in found
            ],
            right=("probability",),
        )


def read_examples(path: Path, column_map: Sequence[str]) -> dict[str, str]:
    """Returns the value of each product in a table.

    Raises:
        InvalidField: for a row that cannot be read or contradicts another: examples are few, and
            a wrong one costs more than a stop.
    """
    columns = parse_column_map(column_map, _EXAMPLE_FIELDS)
    given = {name: column for column, names in columns.explicit.items() for name in names}
    product_column, value_column = (given.get(name, name) for name in _EXAMPLE_FIELDS)
    table = open_table(path)
    examples: dict[str, str] = {}
    for line, record in table.records():
        if isinstance(record, InvalidField):
            raise InvalidField(f"{path} line {line}", record.message)
        for name, column in zip(_EXAMPLE_FIELDS, (product_column, value_column), strict=True):
            if column not in record and (table.columns or name == "product_id"):
                raise InvalidField(
                    str(path),
                    f"has no column {column}; it has {', '.join(record)}. "
                    f"Name the one that holds it: --map COLUMN={name}",
                )
        product, value = record[product_column], record.get(value_column, "")
        if product and value and examples.setdefault(product, value) != value:
            raise InvalidField(
                f"{path} line {line}",
                f"{product} is {value} here and {examples[product]} before; keep one",
            )
    if not examples:
        raise InvalidField(str(path), f"has no row with both {product_column} and {value_column}")
    return examples


def _dimensions(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no list of dimensions, such as 3,7", param_hint="--dimensions"
        ) from None


def _show(feature: Feature, as_json: bool) -> None:
    if as_json:
        write_json(feature)
        return
    quality = feature.quality
    figures = {}
    if quality is not None:
        figures = {
            "accuracy": f"{quality.balanced_accuracy:.0%}, by chance {quality.chance_accuracy:.0%}",
            "10 nearest": f"{quality.precision_at_10:.0%} have the same value, by chance "
            f"{quality.chance_precision_at_10:.0%}",
            "examples": f"{quality.example_count:,}",
        }
    write_facts(
        {
            "feature": feature.feature_id,
            "name": feature.display_name,
            "description": feature.description,
            "kind": feature.kind,
            "origin": feature.origin,
            "dimensions": ", ".join(map(str, feature.dimensions)),
            "coordinates": str(feature.coordinate_count),
            "scale": f"{feature.scale:.4g}",
            "encoder": feature.encoder,
            "version": str(feature.version),
            "carried": _carried(feature),
            **figures,
            "values": ", ".join(feature.values),
        }
    )


def _carried(feature: Feature) -> str:
    if feature.quality is None:
        return ""
    return "yes" if feature.quality.carried else "no"


def _accuracy(feature: Feature) -> str:
    if feature.quality is None:
        return ""
    return f"{feature.quality.balanced_accuracy:.0%} (chance {feature.quality.chance_accuracy:.0%})"
