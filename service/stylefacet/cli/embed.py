"""`stylefacet embed`: latent vectors of photos; nothing is stored."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from stylefacet.cli.options import FILE, Target, encoder_option, json_option, server_options
from stylefacet.cli.output import progress_bar, tell, write_json, write_table
from stylefacet.client import Embedding, EmbedOutcome, StylefacetClient
from stylefacet.client.files import read_photo
from stylefacet.errors import StylefacetError

_SHOWN_DIMENSIONS = 6


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--out", type=FILE, help="Write a JSON object a photo to this file.")
@encoder_option
@server_options
@json_option
def embed(
    files: tuple[Path, ...], out: Path | None, encoder: str, target: Target, as_json: bool
) -> None:
    """Turn photos into latent vectors.

    Nothing is stored. A photo that cannot be read is told of, and the others are embedded.

    \b
    Examples:
      stylefacet embed shirt.jpg --json
      stylefacet embed photos/*.jpg --out vectors.jsonl
    """
    with target.connect() as client, progress_bar("embedding", len(files)) as bar:
        results: dict[Path, Embedding] = {}
        failures: dict[Path, StylefacetError] = {}
        for path, outcome in _embed(client, files, encoder or "default"):
            if isinstance(outcome, Embedding):
                results[path] = outcome
            else:
                failures[path] = outcome
            bar.advance()
    documents = [_document(path, results[path]) for path in dict.fromkeys(files) if path in results]
    if out is not None:
        out.write_text("".join(f"{json.dumps(d)}\n" for d in documents), encoding="utf-8")
    if as_json:
        write_json(documents)
    elif out is None and documents:
        write_table(
            ["file", "dimensions", "novelty", "vector"],
            [
                [
                    d["file"],
                    str(len(d["mean"])),
                    f"{d['novelty']:.3g}",
                    " ".join(f"{v:+.2f}" for v in d["mean"][:_SHOWN_DIMENSIONS]) + " ...",
                ]
                for d in documents
            ],
            right=("dimensions", "novelty"),
        )
    for path, error in failures.items():
        tell(f"failed: {path}: {error.message}")
    if failures:
        raise click.exceptions.Exit(1)


def _embed(
    client: StylefacetClient, files: tuple[Path, ...], encoder: str
) -> Iterator[tuple[Path, Embedding | StylefacetError]]:
    """Yields each file with its embedding or its error."""
    sent: list[Path] = []
    unread: list[tuple[Path, StylefacetError]] = []

    def contents() -> Iterator[bytes]:
        for path in files:
            try:
                content = read_photo(path)
            except StylefacetError as error:
                unread.append((path, error))
            else:
                sent.append(path)
                yield content

    for outcome in client.embed_many(contents(), encoder):
        yield sent[outcome.position], _result(outcome)
    yield from unread


def _result(outcome: EmbedOutcome) -> Embedding | StylefacetError:
    if outcome.embedding is not None:
        return outcome.embedding
    return outcome.error or StylefacetError("the server sent neither embedding nor error")


def _document(path: Path, embedding: Embedding) -> dict[str, Any]:
    return {
        "file": str(path),
        "encoder": embedding.encoder,
        "novelty": embedding.novelty,
        "mean": list(embedding.mean),
    }
