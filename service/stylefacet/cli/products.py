"""`stylefacet products`: what the catalogue holds."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import tell, write_facts, write_json, write_table
from stylefacet.client import Product
from stylefacet.errors import ResourceMissing


@click.group()
def products() -> None:
    """See, change and delete products.

    \b
    Example:
      stylefacet products list --filter 'category = "top"'
    """


@products.command("list")
@click.option("--filter", "expression", default="", help="Which products to list.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The most products."
)
@server_options
@json_option
def list_products(expression: str, limit: int, target: Target, as_json: bool) -> None:
    """List products in order of id.

    \b
    Example:
      stylefacet products list --filter 'category = "top" AND labels.colour = "red"'
    """
    with target.connect() as client:
        found = list(itertools.islice(client.list_products(expression), limit + 1))
    shown = found[:limit]
    if as_json:
        write_json(shown)
    else:
        write_table(
            ["product", "category", "name", "style", "labels"],
            [
                [p.product_id, p.category, p.display_name, p.style_id, _pairs(p.labels)]
                for p in shown
            ],
        )
    if len(found) > limit:
        tell(f"there are more; --limit shows more than {limit}")


@products.command("get")
@click.argument("product")
@server_options
@json_option
def get_product(product: str, target: Target, as_json: bool) -> None:
    """Show one product.

    \b
    Example:
      stylefacet products get 4711
    """
    with target.connect() as client:
        found = client.get_product(product)
    _show(found, as_json)


@products.command("update")
@click.argument("product")
@click.option("--category", help="New category.")
@click.option("--display-name", help="New name for people.")
@click.option("--style-id", help="New style.")
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=VALUE", help="Set a label; NAME= removes it."
)
@click.option(
    "--number",
    "numbers",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Set a number; NAME= removes it.",
)
@click.option("--allow-missing", is_flag=True, help="Make the product if it does not exist.")
@server_options
@json_option
def update_product(
    product: str,
    category: str | None,
    display_name: str | None,
    style_id: str | None,
    labels: tuple[str, ...],
    numbers: tuple[str, ...],
    allow_missing: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Change fields of a product; what is not named stays.

    \b
    Examples:
      stylefacet products update 4711 --label colour=red --number price=19.95
      stylefacet products update 4712 --category top --allow-missing
    """
    new_labels, new_numbers = _assignments(labels, "--label"), _numbers(numbers)
    changes = {"labels": new_labels, "numbers": new_numbers}
    given = {"category": category, "display_name": display_name, "style_id": style_id}
    fields = [name for name, value in given.items() if value is not None]
    fields += [name for name, value in changes.items() if value]
    if not fields:
        raise click.UsageError("name what to change, such as --label colour=red")
    with target.connect() as client:
        try:
            old = client.get_product(product)
        except ResourceMissing:
            if not allow_missing:
                raise
            old = Product(product)
        # The etag makes a change that came in between an error, not a loss.
        new = replace(
            old,
            category=old.category if category is None else category,
            display_name=old.display_name if display_name is None else display_name,
            style_id=old.style_id if style_id is None else style_id,
            labels=_without_blanks({**old.labels, **new_labels}),
            numbers={k: v for k, v in {**old.numbers, **new_numbers}.items() if v is not None},
        )
        written = client.update_product(new, fields, allow_missing)
    _show(written, as_json)


@products.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="PRODUCT...")
@server_options
def delete_products(names: tuple[str, ...], target: Target) -> None:
    """Delete products and their images.

    \b
    Example:
      stylefacet products delete 4711 4712
    """
    with target.connect() as client:
        for name in names:
            client.delete_product(name)
            tell(f"deleted {name}")


@products.command("images")
@click.argument("product")
@server_options
@json_option
def list_images(product: str, target: Target, as_json: bool) -> None:
    """List a product's images.

    \b
    Example:
      stylefacet products images 4711
    """
    with target.connect() as client:
        found = list(client.list_images(product))
    if as_json:
        write_json(found)
        return
    write_table(
        ["image", "size", "sha256"],
        [[i.name, f"{i.width_px}x{i.height_px}", i.content_sha256] for i in found],
    )


def _show(product: Product, as_json: bool) -> None:
    if as_json:
        write_json(product)
        return
    write_facts(
        {
            "product": product.product_id,
            "name": product.display_name,
            "category": product.category,
            "style": product.style_id,
            "labels": _pairs(product.labels),
            "numbers": _pairs({name: f"{value:g}" for name, value in product.numbers.items()}),
            "created": product.create_time.isoformat() if product.create_time else "",
            "updated": product.update_time.isoformat() if product.update_time else "",
            "etag": product.etag,
        }
    )


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(values.items()))


def _assignments(texts: Sequence[str], flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=flag)
        found[name.strip()] = value.strip()
    return found


def _numbers(texts: Sequence[str]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, text in _assignments(texts, "--number").items():
        try:
            number = float(text) if text else None
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            raise click.BadParameter(f"{text!r} is no finite number", param_hint="--number")
        found[name] = number
    return found


def _without_blanks(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}
