"""The ablation as a Markdown table; measures nothing."""

from collections.abc import Sequence

import numpy as np

from stylefacet_training.ablation import Ablation, Outcome
from stylefacet_training.evaluation.attributes import Figure


def ablation_table(found: Ablation) -> str:
    """Returns a row a lever: named-20 P@10/mAP, means over seeds, ± standard deviation of P@10.

    The last columns are differences from the first lever in P@10, in hundredths, averaged over
    attributes: seeds share their splits, so differences spread less than figures.
    """
    attributes = tuple(found.outcomes[0].named_20)
    lines = [
        "| lever | d | " + " | ".join(attributes) + " | named-20 | whole |",
        "| --- | --: |" + " --- |" * len(attributes) + " --: | --: |",
    ]
    base = found.outcomes[0]
    for outcome in found.outcomes:
        cells = [_cell(outcome.named_20[a]) for a in attributes]
        changes = ["", ""] if outcome is base else _changes(outcome, base)
        lines.append(
            f"| {outcome.lever} | {outcome.dimension_count} | " + " | ".join(cells + changes) + " |"
        )
    return "\n".join(lines) + "\n"


def _cell(figures: Sequence[Figure]) -> str:
    precisions = [figure.precision_at_10 for figure in figures]
    average = float(np.mean([figure.mean_average_precision for figure in figures]))
    text = f"{_share(float(np.mean(precisions)))}/{_share(average)}"
    return text if len(figures) < 2 else f"{text} ±{_share(float(np.std(precisions, ddof=1)))}"


def _changes(outcome: Outcome, base: Outcome) -> list[str]:
    cells = []
    for mine, theirs in ((outcome.named_20, base.named_20), (outcome.whole, base.whole)):
        gains = [
            np.mean([mine[a][i].precision_at_10 - theirs[a][i].precision_at_10 for a in mine])
            for i in range(len(next(iter(mine.values()))))
        ]
        spread = f" ±{100 * np.std(gains, ddof=1):.1f}" if len(gains) > 1 else ""
        cells.append(f"{100 * np.mean(gains):+.1f}{spread}")
    return cells


def _share(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)
