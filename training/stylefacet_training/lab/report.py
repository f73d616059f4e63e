"""Writes the laboratory's report: one HTML file with all pictures in it, and a Markdown table."""

import base64
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from stylefacet_training.lab.experiment import Part
from stylefacet_training.lab.meanings import meanings
from stylefacet_training.lab.results import Comparison, Findings, gather
from stylefacet_training.runs import write_atomically

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}
h2{margin-top:3rem;border-top:1px solid #ccc;padding-top:1rem}
table{border-collapse:collapse;margin:1rem 0;font-size:13px}
th,td{padding:.2rem .6rem;border-bottom:1px solid #e4e4e4;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
figure{display:inline-block;margin:.5rem 1rem .5rem 0;max-width:100%}
img{max-width:100%}figcaption{font-size:12px;color:#666}
.quick{color:#a15c00}.none{color:#999}
"""
_MEANINGS = (
    "Which latent means what, by rank correlation (of circles: S scale, H horizontal, V vertical, "
    "before it the channel) or, with labels, by correlation ratio: from 0.5 on plainly, from 0.25 "
    "on in brackets; N: none, -: unused."
)
# Figures that say how a run went, not what came of it.
_RUNNING = frozenset({"images_per_s", "latent_dims", "epochs"})


def write_report(out: Path, results: Sequence[Path]) -> tuple[Path, Path]:
    """Writes ``lab.html`` and ``lab.md`` into ``out`` and returns their paths."""
    findings = gather(out, results)
    page, table = out / "lab.html", out / "lab.md"
    html, markdown = html_report(findings), markdown_report(findings)
    write_atomically(page, lambda file: file.write(html.encode()))
    write_atomically(table, lambda file: file.write(markdown.encode()))
    return page, table


def markdown_report(findings: Sequence[Findings]) -> str:
    """Returns the tables of all experiments that have figures, and what was not run."""
    lines = ["# The laboratory's figures", "", counted(findings), ""]
    for found in findings:
        if not found.parts:
            continue
        lines += [f"## {found.experiment.name}", "", found.experiment.title + ".", ""]
        made = [row for row in found.comparisons() if row.ours is not None]
        if made:
            lines += ["| where | what | theirs | ours | ratio | why they differ |"]
            lines += ["| --- | --- | --: | --: | --: | --- |"]
            lines += [f"| {' | '.join(_cells(row))} |" for row in made]
            lines.append("")
        lines += _markdown_figures(found)
        lines += _markdown_meanings(found)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def html_report(findings: Sequence[Findings]) -> str:
    """Returns one page with tables and pictures; nothing in it lies elsewhere."""
    body = "".join(_section(found) for found in findings)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Laboratory</title>"
        f"<style>{_STYLE}</style><h1>The laboratory</h1><p>{escape(counted(findings))}</p>"
        f"{body}</html>\n"
    )


def counted(findings: Sequence[Findings]) -> str:
    """Returns how many runs were made, in a sentence."""
    whole = sum(len(found.experiment.arms) for found in findings)
    full = sum(found.full_count for found in findings)
    quick = sum(found.quick_count for found in findings)
    return (
        f"Of {whole} training runs {full} were made at the documents' settings and {quick} in the "
        f"quick form alone; {whole - full - quick} were not made. Ratio: ours by theirs."
    )


def number(value: float | None) -> str:
    """Returns a figure in three to four digits."""
    if value is None:
        return ""
    if value != 0 and abs(value) < 0.01:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cells(row: Comparison) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    reading = row.reading
    return (reading.where, reading.what, number(reading.theirs), number(row.ours), ratio, row.why)


def _figures(part: Part) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in part.figures.items() if name not in _RUNNING)


def _columns(found: Findings) -> Sequence[str]:
    names: dict[str, None] = {}
    for part in found.parts.values():
        # Latents' correlations with factors are many; they stay in metrics.json.
        names |= {name: None for name, _ in _figures(part) if " " not in name}
    return list(names)


def _markdown_figures(found: Findings) -> Sequence[str]:
    columns = _columns(found)
    lines = [f"| run | {' | '.join(name.replace('_', ' ') for name in columns)} |"]
    lines.append(f"| --- |{' --: |' * len(columns)}")
    for name, part in found.parts.items():
        label = f"{name} (quick)" if part.quick else name
        cells = [number(part.figures.get(column)) for column in columns]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _meanings(found: Findings) -> Sequence[tuple[str, str]]:
    """Returns runs and what each latent means there, as tables 5.5 and 5.6 of the thesis do."""
    rows = []
    for name, part in found.parts.items():
        told = ", ".join(f"{latent} {meaning}" for latent, meaning in meanings(part.figures))
        if told:
            rows.append((name, told))
    return rows


def _markdown_meanings(found: Findings) -> Sequence[str]:
    rows = _meanings(found)
    if not rows:
        return []
    lines = ["", _MEANINGS, "", "| run | latents |", "| --- | --- |"]
    return [*lines, *(f"| {name} | {told} |" for name, told in rows)]


def _section(found: Findings) -> str:
    experiment = found.experiment
    text = [f"<h2 id={experiment.name}>{escape(experiment.name)}</h2>"]
    text.append(f"<p>{escape(experiment.title)} (document {experiment.source}).</p>")
    if not found.parts:
        return "".join([*text, "<p class=none>Not run.</p>"])
    rows = list(found.comparisons())
    if rows:
        text.append("<table><tr><th>where<th>what<th>theirs<th>ours<th>ratio<th>why they differ")
        text += [_html_row(row) for row in rows]
        text.append("</table>")
    columns = _columns(found)
    text.append("<table><tr><th>run" + "".join(f"<th>{escape(name)}" for name in columns))
    for name, part in found.parts.items():
        cells = "".join(f"<td class=n>{number(part.figures.get(column))}" for column in columns)
        mark = " <span class=quick>quick</span>" if part.quick else ""
        text.append(f"<tr><td>{escape(name)}{mark}{cells}")
    text.append("</table>")
    told = _meanings(found)
    if told:
        text.append(f"<p>{escape(_MEANINGS)}</p><table>")
        text += [f"<tr><td>{escape(name)}<td>{escape(meaning)}" for name, meaning in told]
        text.append("</table>")
    text += [_figure(path) for path in found.pictures]
    return "".join(text)


def _html_row(row: Comparison) -> str:
    where, what, theirs, ours, ratio, why = (escape(cell) for cell in _cells(row))
    if row.ours is None:
        ours, why = "<span class=none>not run</span>", ""
    mark = " class=quick" if row.quick else ""
    return (
        f"<tr{mark}><td>{where}<td>{what}<td class=n>{theirs}<td class=n>{ours}"
        f"<td class=n>{ratio}<td>{why}"
    )


def _figure(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    folder = path.parent.parent.name
    caption = f"{path.stem} (quick form)" if folder.endswith("-quick") else path.stem
    return (
        f"<figure><img loading=lazy src='data:image/png;base64,{content}' alt='{escape(caption)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
