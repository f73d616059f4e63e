"""`stylefacet duplicates`: groups of products that hardly differ, as table, JSON or sheet."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from stylefacet.cli.group_sheet import GroupCard, GroupRow, draw_groups
from stylefacet.cli.operations import follow
from stylefacet.cli.options import FILE, Target, encoder_option, json_option, server_options
from stylefacet.cli.output import tell, write_json, write_table
from stylefacet.client import (
    ImageView,
    NearDuplicateGroup,
    NearDuplicates,
    StylefacetClient,
)
from stylefacet.errors import ResourceMissing

# A sheet is looked at as a whole: more groups or pictures are cut off, and that is said.
_SHEET_GROUPS = 20
_SHEET_PICTURES = 16


def parse_distances(
    ctx: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> dict[str, float | None]:
    """Returns the features, and distances where given, that texts ``NAME[=NUMBER],…`` name."""
    found: dict[str, float | None] = {}
    for text in ",".join(texts).split(",") if texts else []:
        name, separator, number = text.partition("=")
        name = name.strip()
        try:
            distance = float(number) if separator else None
        except ValueError:
            distance = math.nan
        if not name or (distance is not None and not 0 <= distance < math.inf):
            raise click.BadParameter(f"{text!r} is not NAME or NAME=NUMBER, such as collar=0.3")
        if name in found:
            raise click.BadParameter(f"{name} is named twice")
        found[name] = distance
    return found


@click.command()
@click.option(
    "--alike",
    multiple=True,
    callback=parse_distances,
    metavar="NAMES",
    help="Features to be alike in, with a distance or without: collar,sleeve=0.3. "
    "Left out: every part of the garment that is not to be different.",
)
@click.option(
    "--different",
    multiple=True,
    callback=parse_distances,
    metavar="NAMES",
    help="Features to differ in, such as palette.",
)
@click.option("--filter", "expression", default="", help="Which products are compared.")
@click.option("--across-styles", is_flag=True, help="Leave out groups within one style.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The most groups."
)
@click.option("--sheet", type=FILE, help="Also draw the groups to this PNG.")
@encoder_option
@server_options
@json_option
def duplicates(
    alike: dict[str, float | None],
    different: dict[str, float | None],
    expression: str,
    across_styles: bool,
    limit: int,
    sheet: Path | None,
    encoder: str,
    target: Target,
    as_json: bool,
) -> None:
    """Find groups of products that hardly differ, and may eat each other's sales.

    Every two products of a group are alike in all --alike features and differ in all --different
    ones. A distance of 1 is that of two products drawn at random. Where none is given, --alike
    takes what 1 of 100 such pairs stay within, --different what half of them exceed. The server
    does the work; `stylefacet operations` has it too.

    \b
    Examples:
      stylefacet duplicates --across-styles
      stylefacet duplicates --alike collar,sleeve,body,outline --different palette
      stylefacet duplicates --alike collar=0.2,body=0.2 --filter 'category = "top"' --sheet out.png
    """
    with target.connect() as client:
        started = client.find_near_duplicates(
            alike=alike,
            different=different,
            filter=expression,
            leave_out_same_style=across_styles,
            max_group_count=limit,
            encoder=encoder,
        )
        ended = follow(client, started.operation_id)
        if ended.error is not None:
            raise ended.error
        found = ended.duplicates
        assert found is not None
        if sheet is not None:
            _write_sheet(client, sheet, found)
            tell(f"drew {sheet}")
    if as_json:
        write_json(found)
        return
    if found.groups:
        _write_groups(found)
    tell(_summary(found))


def _rule(found: NearDuplicates) -> str:
    near = ", ".join(f"{name} {d:.2f}" for name, d in found.alike.items())
    far = ", ".join(f"{name} {d:.2f}" for name, d in found.different.items())
    return f"within {near}" + (f", and from {far} on" if far else "")


def _summary(found: NearDuplicates) -> str:
    shown = f", {len(found.groups):,} shown" if len(found.groups) < found.group_count else ""
    groups = "1 group" if found.group_count == 1 else f"{found.group_count:,} groups"
    return (
        f"{groups} of {found.grouped_product_count:,} products "
        f"among {found.product_count:,}{shown}: {_rule(found)}"
    )


def _write_groups(found: NearDuplicates) -> None:
    names = [*found.alike, *found.different]
    rows = [row for n, group in enumerate(found.groups, 1) for row in _rows(n, group, names)]
    columns = ["group", "product", "name", "category", "style", *names]
    filled = [i for i in range(len(columns)) if i == 0 or any(row[i] for row in rows)]
    write_table(
        [columns[i] for i in filled],
        [[row[i] for i in filled] for row in rows],
        right=("group", *names),
    )


def _rows(number: int, group: NearDuplicateGroup, names: Sequence[str]) -> Iterator[list[str]]:
    """Yields a row a product; the first has the group's widest, or narrowest, distances."""
    for position, product in enumerate(group.products):
        first = position == 0
        yield [
            str(number) if first else "",
            product.product_id,
            product.display_name,
            product.category,
            product.style_id,
            *(f"{group.limits[name]:.3f}" if first else "" for name in names),
        ]
    if group.product_count > len(group.products):
        rest = group.product_count - len(group.products)
        yield ["", f"and {rest:,} more", *[""] * (3 + len(names))]


def _write_sheet(client: StylefacetClient, path: Path, found: NearDuplicates) -> None:
    rows = []
    for number, group in enumerate(found.groups[:_SHEET_GROUPS], start=1):
        cards = tuple(
            GroupCard(
                _thumbnail(client, product.image_name),
                product.display_name or product.product_id,
                f"style {product.style_id}" if product.style_id else product.product_id,
            )
            for product in group.products[:_SHEET_PICTURES]
        )
        rows.append(GroupRow(f"{number}: {group.product_count} products", _limits(group), cards))
    path.parent.mkdir(parents=True, exist_ok=True)
    title = f"{found.group_count:,} groups of products that hardly differ"
    remark = (
        f"Every two of a group are alike: {_rule(found)}. "
        "A distance of 1 is that of two products drawn at random, 0 the same."
    )
    draw_groups(title, remark, tuple(rows)).save(path, "PNG")


def _limits(group: NearDuplicateGroup) -> str:
    """Returns how far a group's products are apart, at the most or at the least."""
    return "distances: " + ", ".join(f"{name} {d:.2f}" for name, d in group.limits.items())


def _thumbnail(client: StylefacetClient, image_name: str) -> bytes:
    """Returns the picture the encoder saw; empty where there is none any more."""
    if not image_name:
        return b""
    try:
        return client.get_image(image_name, ImageView.THUMBNAIL).thumbnail
    except ResourceMissing:
        return b""
