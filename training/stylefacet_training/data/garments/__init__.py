"""Rendered garments: studio photos of tops drawn from known, independent factors."""

from stylefacet_training.data.factor import FactorKind, FactorSpec
from stylefacet_training.data.garments.catalogue import colour_name, sleeve_name, write_garments
from stylefacet_training.data.garments.factors import (
    COLLARS,
    FACTORS,
    NUISANCES,
    PATTERNS,
    GarmentFactors,
    factors_from_matrix,
    sample_factors,
    sample_nuisances,
)
from stylefacet_training.data.garments.render import render, sample_observations_from_factors

__all__ = [
    "COLLARS",
    "FACTORS",
    "NUISANCES",
    "PATTERNS",
    "FactorKind",
    "FactorSpec",
    "GarmentFactors",
    "colour_name",
    "factors_from_matrix",
    "render",
    "sample_factors",
    "sample_nuisances",
    "sample_observations_from_factors",
    "sleeve_name",
    "write_garments",
]
