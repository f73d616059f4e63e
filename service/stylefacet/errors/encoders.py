"""Failures of what an encoder sees and of features made on it; knows no catalogue."""

from collections.abc import Sequence

from stylefacet.errors.base import Code, StylefacetError


class EncoderMismatch(StylefacetError):
    """Vectors, features or a store belong to another encoder."""

    code = Code.FAILED_PRECONDITION
    reason = "ENCODER_MISMATCH"

    def __init__(self, subject: str, found: str, expected: str, remedy: str) -> None:
        super().__init__(
            f"{subject} belongs to encoder {found}, this is {expected}; {remedy}",
            {"subject": subject, "found": found, "expected": expected},
        )


class DecoderMissing(StylefacetError):
    """The encoder's bundle carries no decoder."""

    code = Code.FAILED_PRECONDITION
    reason = "DECODER_MISSING"

    def __init__(self, encoder: str) -> None:
        super().__init__(
            f"encoder {encoder} has no decoder; export its bundle with one", {"subject": encoder}
        )


class FeatureNotCarried(StylefacetError):
    """The encoder does not see the feature: its coordinates hardly vary, or predict nothing."""

    code = Code.FAILED_PRECONDITION
    reason = "FEATURE_NOT_CARRIED"

    def __init__(self, feature: str, why: str) -> None:
        super().__init__(
            f"the encoder does not carry feature {feature!r}: {why}", {"subject": feature}
        )


class AdjustmentsContradict(StylefacetError):
    """No move of a query meets all adjustments: their features overlap."""

    code = Code.FAILED_PRECONDITION
    reason = "ADJUSTMENTS_CONTRADICT"

    def __init__(self, features: Sequence[str]) -> None:
        names = ", ".join(features)
        super().__init__(
            f"no query meets all adjustments of {names}: the features overlap; leave one out",
            {"subject": names},
        )


class FeatureBundled(StylefacetError):
    """A feature that came with the encoder cannot be changed or deleted."""

    code = Code.FAILED_PRECONDITION
    reason = "FEATURE_BUNDLED"

    def __init__(self, feature: str) -> None:
        super().__init__(
            f"feature {feature!r} comes with the encoder; make one of another name",
            {"subject": feature},
        )
