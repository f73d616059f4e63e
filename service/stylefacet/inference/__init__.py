"""ONNX sessions: photos to latent vectors and back; knows neither gRPC nor SQL."""

from stylefacet.inference.decoder import Decoder
from stylefacet.inference.encoder import Embeddings, Encoder

__all__ = ["Decoder", "Embeddings", "Encoder"]
