"""Measures how fast garments are drawn: `python -m stylefacet_training.data.garments`."""

from __future__ import annotations

import time

import click
import numpy as np

from stylefacet_training.data.garments.factors import sample_factors
from stylefacet_training.data.garments.render import HEIGHT, WIDTH, render


@click.command()
@click.option("--benchmark", is_flag=True, required=True, help="Draw and report the rate.")
@click.option("--count", default=300, show_default=True, help="Pictures in one pass.")
@click.option("--passes", default=5, show_default=True, help="Passes over the same garments.")
def main(benchmark: bool, count: int, passes: int) -> None:
    """Report pictures a second of 192x256 px in this one process."""
    factors = sample_factors(count, np.random.default_rng(0))
    render(factors.take(slice(0, 32)))  # Fills the caches of weights and textures.
    rates = []
    for _ in range(passes):
        begin = time.perf_counter()
        render(factors)
        rates.append(count / (time.perf_counter() - begin))
    median, best = float(np.median(rates)), max(rates)
    click.echo(f"{WIDTH}x{HEIGHT} px: median {median:.0f}, best {best:.0f} pictures/s")


if __name__ == "__main__":
    main()
