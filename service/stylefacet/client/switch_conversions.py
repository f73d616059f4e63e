"""Turns the messages of a switch of encoders into the client's values; opens no connection."""

from stylefacet.client.conversions import quality_value, resource_id
from stylefacet.client.switch_values import (
    EncoderAssignment,
    EncoderShift,
    EncoderSwitch,
    FeatureFate,
    FeatureShift,
)
from stylefacet.v1 import encoder_switch_pb2 as pb

_FATES = {
    pb.FeatureShift.BUNDLED: FeatureFate.BUNDLED,
    pb.FeatureShift.BUNDLE_LACKS_IT: FeatureFate.BUNDLE_LACKS_IT,
    pb.FeatureShift.KEPT: FeatureFate.KEPT,
    pb.FeatureShift.REFITTED: FeatureFate.REFITTED,
    pb.FeatureShift.UNAVAILABLE: FeatureFate.UNAVAILABLE,
    pb.FeatureShift.NOT_FITTED: FeatureFate.NOT_FITTED,
}


def switch_value(message: pb.SwitchEncodersResponse) -> EncoderSwitch:
    """Returns what a switch did or would do, as the server told it."""
    return EncoderSwitch(
        earlier=_assignment_value(message.earlier),
        later=_assignment_value(message.later),
        shifts=tuple(
            EncoderShift(
                encoder=resource_id(shift.encoder),
                image_count=shift.image_count,
                embedded_count=shift.embedded_count,
                lacking_input_count=shift.lacking_input_count,
                enlarged_count=shift.enlarged_count,
                novel_share_before=shift.novel_share_before,
                novel_share_after=shift.novel_share_after,
                sample_count=shift.sample_count,
            )
            for shift in message.shifts
        ),
        features=tuple(map(_feature_value, message.features)),
        sequence_number=message.sequence_number,
    )


def _assignment_value(message: pb.EncoderAssignment) -> EncoderAssignment:
    return EncoderAssignment(
        resource_id(message.default_encoder),
        {category: resource_id(name) for category, name in message.encoders.items()},
    )


def _feature_value(message: pb.FeatureShift) -> FeatureShift:
    before, after = message.quality_before, message.quality_after
    return FeatureShift(
        feature_id=resource_id(message.feature),
        encoder=resource_id(message.encoder),
        fate=_FATES.get(message.fate, FeatureFate.UNSPECIFIED),
        quality_before=quality_value(before) if message.HasField("quality_before") else None,
        quality_after=quality_value(after) if message.HasField("quality_after") else None,
        explanation=message.explanation,
    )
