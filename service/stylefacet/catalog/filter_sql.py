"""Compiles a filter tree to an SQL condition on the products table; knows nothing of its text."""

from sqlalchemy import Column, ColumnElement, Select, Table, and_, not_, or_, select

from stylefacet.catalog import tables as t
from stylefacet.catalog.filter import (
    And,
    Comparison,
    Field,
    Kind,
    Node,
    Not,
    Operator,
    Or,
    Presence,
)


def compile_filter(node: Node) -> ColumnElement[bool]:
    """Returns the condition that a product row passes exactly when the filter matches it."""
    match node:
        case Comparison(operator=Operator.NE):
            return not_(_compare(node.subject, Operator.EQ, node.value))
        case Comparison():
            return _compare(node.subject, node.operator, node.value)
        case Presence():
            return _has_entry(node.subject)
        case Not():
            return not_(compile_filter(node.operand))
        case And():
            return and_(*map(compile_filter, node.operands))
        case Or():
            return or_(*map(compile_filter, node.operands))


def compile_selection(node: Node) -> Select[tuple[int]]:
    """Returns the statement that gives the keys of the products that pass, in no order."""
    if isinstance(node, Presence):
        return _keys_of_entries(node.subject)
    # Entries belong to products that are there, so their own table answers alone.
    if (
        isinstance(node, Comparison)
        and node.subject.kind is not Kind.TEXT
        and node.operator is not Operator.NE
    ):
        value = _table_of(node.subject).c.value
        return _keys_of_entries(node.subject, _apply(value, node.operator, node.value))
    return select(t.products.c.product_key).where(compile_filter(node))


def _compare(field: Field, operator: Operator, value: str | float) -> ColumnElement[bool]:
    if field.kind is Kind.TEXT:
        return _apply(t.products.c[field.key], operator, value)
    return _has_entry(field, _apply(_table_of(field).c.value, operator, value))


def _has_entry(field: Field, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    # IN a subquery, not EXISTS: the index on (name, value, product_key) answers it alone.
    return t.products.c.product_key.in_(_keys_of_entries(field, *conditions))


def _keys_of_entries(field: Field, *conditions: ColumnElement[bool]) -> Select[tuple[int]]:
    table = _table_of(field)
    return select(table.c.product_key).where(table.c.name == field.key, *conditions)


def _table_of(field: Field) -> Table:
    return t.product_labels if field.kind is Kind.LABEL else t.product_numbers


def _apply(
    column: Column[str] | Column[float], operator: Operator, value: str | float
) -> ColumnElement[bool]:
    return column.bool_op(operator.value)(value)
