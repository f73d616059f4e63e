"""ONNX sessions: photos to latent vectors and back; knows neither gRPC nor SQL."""

from stylefacet.inference.decoder import Decoder
from stylefacet.inference.encoder import Embeddings, Encoder
from stylefacet.inference.photos import EmbeddedPhoto
from stylefacet.inference.processes import EncoderProcesses

__all__ = ["Decoder", "EmbeddedPhoto", "Embeddings", "Encoder", "EncoderProcesses"]
