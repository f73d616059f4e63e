"""Failures of what an encoder sees and of features made on it; knows no catalogue."""

from collections.abc import Mapping, Sequence

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


class EncodersChanged(StylefacetError):
    """Another encoder took over while a write was being prepared."""

    code = Code.UNAVAILABLE
    reason = "ENCODERS_CHANGED"
    retry_after_s = 1.0

    def __init__(self) -> None:
        super().__init__("the catalogue's encoder is being changed; try again in a moment")


class EncodersMixed(StylefacetError):
    """A request names things of several encoders, between which there is no distance."""

    code = Code.FAILED_PRECONDITION
    reason = "ENCODERS_MIXED"

    def __init__(self, encoder_of: Mapping[str, str]) -> None:
        named = ", ".join(f"{name} by {encoder}" for name, encoder in encoder_of.items())
        super().__init__(
            f"these are seen by different encoders, and vectors of two do not compare: {named}; "
            "name products of one encoder, or let one encoder serve all their categories",
            {"subject": ", ".join(encoder_of), "encoders": ", ".join(encoder_of.values())},
        )


class EncoderInUse(StylefacetError):
    """An encoder cannot be deleted while it serves products or a switch to it is under way."""

    code = Code.FAILED_PRECONDITION
    reason = "ENCODER_IN_USE"

    def __init__(self, encoder: str, why: str) -> None:
        super().__init__(f"encoder {encoder} cannot be deleted: {why}", {"subject": encoder})


class SwitchRunning(StylefacetError):
    """Another switch of encoders is under way."""

    code = Code.ABORTED
    reason = "SWITCH_RUNNING"

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} is switching encoders; wait for it or cancel it",
            {"operation": operation},
        )


class InputsMissing(StylefacetError):
    """A new encoder would lose images whose inputs were not kept."""

    code = Code.FAILED_PRECONDITION
    reason = "INPUTS_MISSING"

    def __init__(self, encoder: str, count: int) -> None:
        super().__init__(
            f"{count:,} images cannot be embedded by {encoder}, for their inputs were not kept or "
            "are damaged; send the photos again, or allow missing inputs: they are not found until "
            "then",
            {"subject": encoder, "image_count": str(count)},
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
