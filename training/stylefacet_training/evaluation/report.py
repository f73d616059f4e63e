"""Tables on a terminal and a JSON record of what was measured; measures nothing itself."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from stylefacet_training.evaluation.agreement import Agreement
from stylefacet_training.evaluation.attributes import Figure, NamedFigures
from stylefacet_training.evaluation.comparison import Comparison
from stylefacet_training.evaluation.known_factors import KnownFactors, Separation
from stylefacet_training.evaluation.robustness import Movement, Robustness


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints figures, leaks and searches by block as tables: P@10/mAP, ± over draws."""
    attributes = tuple(comparison.facts)
    table = _table(
        f"P@10/mAP on {comparison.data}, {comparison.photo_count:,} photos; named features fitted "
        f"on {comparison.fit_data}, {comparison.fit_photo_count:,} photos; "
        f"{comparison.draw_count} draws, seed {comparison.seed}",
        ("representation", "d", "search", *attributes),
    )
    table.add_row("chance", "", "", *(_figure(fact.chance) for fact in comparison.facts.values()))
    table.add_row(
        "a perfect search",
        "",
        "",
        *(_share(fact.oracle_precision_at_10) + "/1" for fact in comparison.facts.values()),
    )
    table.add_section()
    for row in comparison.rows:
        searches = (
            ("whole", row.whole),
            ("named-20", {a: named.figure for a, named in row.named_20.items()}),
            ("named-all", {a: named.figure for a, named in row.named_all.items()}),
        )
        for number, (search, figures) in enumerate(searches):
            name, dimensions = (row.name, str(row.dimension_count)) if number == 0 else ("", "")
            table.add_row(name, dimensions, search, *(_figure(figures[a]) for a in attributes))
        table.add_section()
    for name, figures in comparison.blocks.items():
        table.add_row(f"feature {name}", "", "no label", *(_figure(figures[a]) for a in attributes))
    console.print(table)
    for line in _notes(comparison):
        console.print(line, markup=False, highlight=False)
    if len(attributes) > 1:
        console.print(_leaks(comparison, attributes))
    console.print(
        f"encoder {comparison.bundle_id}: {comparison.embed_ms:.2f} ms a photo after decoding; "
        f"{comparison.seconds['all']:.0f} s in all",
        highlight=False,
    )


def print_known_factors(found: KnownFactors, console: Console) -> None:
    """Prints separation by dimension and block, and retrieval by factor."""
    table = _table(
        f"known factors of {found.garment_count:,} rendered garments, seed {found.seed}",
        ("unit", "MIG", "DCI dis.", "DCI com.", "DCI inf.", "SAP", "FactorVAE"),
    )
    table.add_row("dimension", *_separation(found.by_dimension))
    if found.by_block is not None:
        table.add_row("block", *_separation(found.by_block))
    console.print(table)
    names = tuple(found.retrieval)
    table = _table(
        f"retrieval by factor, fitted on {found.fit_count:,}, judged on the others",
        ("search", *names),
    )
    figures = found.retrieval.values()
    table.add_row("chance", *(_share(figure.chance) for figure in figures))
    table.add_row("whole", *(_share(figure.whole) for figure in figures))
    table.add_row(
        "named-20",
        *(f"{_share(f.named_20)} ±{_share(f.named_20_spread)}" for f in figures),
    )
    table.add_row("named-all", *(_share(figure.named_all) for figure in figures))
    table.add_row("garments", *(f"{figure.item_count:,}" for figure in figures))
    console.print(table)
    by_block = ", ".join(f"{name} {count}" for name, count in found.active_by_block.items())
    console.print(
        f"{found.active_count} active dimensions ({by_block}); {found.seconds['all']:.0f} s in all",
        highlight=False,
    )


def print_robustness(found: Robustness, console: Console) -> None:
    """Prints movements by alteration and block, and novelty by set."""
    table = _table(
        f"distance moved, median/p90; 1 = two random photos of {found.data} "
        f"({found.photo_count:,} of {found.available:,} photos, seed {found.seed})",
        ("alteration", "photos", "still found", *found.pair_distance),
    )
    for name, figure in found.alterations.items():
        moves = (_movement(figure.movement[block]) for block in found.pair_distance)
        table.add_row(name, f"{figure.photo_count:,}", f"{figure.found_share:.0%}", *moves)
    console.print(table)
    table = _table(
        f"novelty against {found.data}, of which {found.data_flagged_share:.1%} are flagged",
        ("set", "AUROC", "flagged", "photos"),
    )
    for name, novelty in found.novelty.items():
        table.add_row(
            name,
            _share(novelty.auroc),
            f"{novelty.flagged_share:.0%}",
            f"{novelty.photo_count:,} of {novelty.available:,}",
        )
    console.print(table)
    console.print(f"encoder {found.bundle_id}; {found.seconds:.0f} s in all", highlight=False)


def print_agreement(found: Agreement, console: Console) -> None:
    """Prints UDR, common subspace and active dimensions a block: mean over bundles and range."""
    table = _table(
        f"agreement of {len(found.bundle_ids)} encoders on {found.photo_count:,} photos, mean "
        "(least to most)",
        ("block", "d", "active", "UDR", "subspace"),
    )
    for name, size in found.size.items():
        counts = found.active_count[name]
        active = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"
        cells = (_range(found.udr[name]), _range(found.subspace[name]))
        table.add_row(name, str(size), active, *cells)
    console.print(table)


def to_record(value: object) -> object:
    """Returns a measured value as what JSON can carry; what is not a number becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_record(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return to_record(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_record(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _notes(comparison: Comparison) -> Sequence[str]:
    notes = []
    named = [f.figure for row in comparison.rows for f in row.named_20.values()]
    if any(figure.carried_count < figure.draw_count for figure in named):
        notes.append("* in brackets: the fit itself says that the code does not carry this")
    for attribute, fact in comparison.facts.items():
        if fact.few_examples:
            few = ", ".join(f"{value} {count}" for value, count in fact.few_examples.items())
            notes.append(f"* {attribute}: fewer than 20 examples of {few}; all are used")
        if fact.unseen_values:
            notes.append(f"* {attribute}: never fitted: {', '.join(fact.unseen_values)}")
    return notes


def _leaks(comparison: Comparison, attributes: Sequence[str]) -> Table:
    table = _table(
        "leak in named-20: P@10 of the column when searching by the row, minus the label oracle's",
        ("representation", "search by", *attributes, "mean"),
    )
    for row in comparison.rows:
        for number, (attribute, named) in enumerate(row.named_20.items()):
            cells = [_leak(named, other) for other in attributes]
            mean = float(np.mean(list(named.leak.values())))
            table.add_row("" if number else row.name, attribute, *cells, f"{mean:+.3f}")
        table.add_section()
    return table


def _range(values: Sequence[float]) -> str:
    return f"{_share(float(np.mean(values)))} ({_share(min(values))} to {_share(max(values))})"


def _movement(movement: Movement | None) -> str:
    return "-" if movement is None else f"{_share(movement.median)}/{_share(movement.p90)}"


def _separation(found: Separation) -> Sequence[str]:
    scores = (
        found.mig,
        found.disentanglement,
        found.completeness,
        found.informativeness,
        found.sap,
        found.factor_vae,
    )
    return [_share(score) for score in scores]


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="", header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _leak(named: NamedFigures, other: str) -> str:
    return f"{named.leak[other]:+.3f}" if other in named.leak else ""


def _figure(figure: Figure) -> str:
    text = f"{_share(figure.precision_at_10)}/{_share(figure.mean_average_precision)}"
    if figure.draw_count > 1:
        text += f" ±{_share(figure.precision_spread)}"
    return text if figure.carried_count == figure.draw_count else f"({text})"


def _share(value: float) -> str:
    """Returns .533 for 0.533, as the tables of papers have it."""
    return "-" if math.isnan(value) else f"{value:.3f}".replace("0.", ".", 1)
