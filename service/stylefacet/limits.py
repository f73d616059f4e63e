"""The sizes and shapes both ends of the contract agree on; knows no transport and no store."""

import re

# One photo as it is sent, encoded.
MAX_IMAGE_BYTES = 20 * 2**20
# A message is at most one photo, with room for the product's fields around it.
MAX_MESSAGE_BYTES = MAX_IMAGE_BYTES + 2**20
# A bundle unpacked; the shipped one has 8 MB.
MAX_BUNDLE_BYTES = 256 * 2**20
# The last part of products/{product} and of products/{product}/images/{image}.
RESOURCE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
RESOURCE_ID_RULE = "1 to 128 letters, digits, dots, dashes or underscores"
# Hits of one search: a page, and all pages together.
MAX_SEARCH_PAGE = 100
MAX_SEARCH_RESULTS = 1000


def message_options(max_message_bytes: int) -> tuple[tuple[str, int], ...]:
    """Returns gRPC's options that let messages of that size through, either way."""
    return (
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", max_message_bytes),
    )


CHANNEL_OPTIONS = message_options(MAX_MESSAGE_BYTES)
