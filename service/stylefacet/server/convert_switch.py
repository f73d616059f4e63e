"""Between the report of a switch of encoders and its messages; knows no use case's work."""

from collections.abc import Mapping
from typing import Any

from stylefacet.app.feature_shifts import Fate
from stylefacet.features.fitting import FitQuality
from stylefacet.server import convert
from stylefacet.v1 import encoder_switch_pb2 as pb
from stylefacet.v1 import feature_pb2

_FATES = {
    Fate.BUNDLED: pb.FeatureShift.BUNDLED,
    Fate.BUNDLE_LACKS_IT: pb.FeatureShift.BUNDLE_LACKS_IT,
    Fate.KEPT: pb.FeatureShift.KEPT,
    Fate.REFITTED: pb.FeatureShift.REFITTED,
    Fate.UNAVAILABLE: pb.FeatureShift.UNAVAILABLE,
    Fate.NOT_FITTED: pb.FeatureShift.NOT_FITTED,
}


def write_switch(document: Mapping[str, Any]) -> pb.SwitchEncodersResponse:
    """Returns the message of what a switch did or would do."""
    return pb.SwitchEncodersResponse(
        earlier=_write_assignment(document["earlier"]),
        later=_write_assignment(document["later"]),
        shifts=[
            pb.EncoderShift(**{**shift, "encoder": f"encoders/{shift['encoder']}"})
            for shift in document["shifts"]
        ],
        features=[
            pb.FeatureShift(
                feature=f"features/{shift['feature']}",
                encoder=f"encoders/{shift['encoder']}",
                fate=_FATES[Fate(shift["fate"])],
                quality_before=_write_quality(shift["quality_before"]),
                quality_after=_write_quality(shift["quality_after"]),
                explanation=shift["explanation"],
            )
            for shift in document["features"]
        ],
        sequence_number=document["sequence"],
    )


def _write_assignment(document: Mapping[str, Any]) -> pb.EncoderAssignment:
    return pb.EncoderAssignment(
        default_encoder=f"encoders/{document['default']}",
        encoders={c: f"encoders/{id}" for c, id in document["categories"].items()},
    )


def _write_quality(document: Mapping[str, Any] | None) -> feature_pb2.FeatureQuality | None:
    return None if document is None else convert.write_quality(FitQuality(**document))
