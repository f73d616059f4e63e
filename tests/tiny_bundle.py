"""Builds the tests' encoder with plain ONNX operators: tests of the service need no torch."""

import io
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from stylefacet.bundle import BundledFeature, FeatureKind, GoldenSample, LatentBlock, Manifest
from stylefacet.imaging import read_letterbox

HEIGHT_PX, WIDTH_PX, D = 32, 24, 8
TINY_SIZE = (WIDTH_PX, HEIGHT_PX)
BLOCKS = (LatentBlock("collar", 0, 3), LatentBlock("sleeve", 3, 5), LatentBlock("body", 5, 8))


def _encoder_model(weights: np.ndarray, factor: int) -> onnx.ModelProto:
    """Mean colours of an 4x3 grid, times ``weights (36, 8)``: enough to tell photos apart."""
    cells = [8 * factor, 8 * factor]
    size_px = [HEIGHT_PX * factor, WIDTH_PX * factor]
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["chw"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["chw"], ["grid"], kernel_shape=cells, strides=cells),
        helper.make_node("Flatten", ["grid"], ["flat"]),
        helper.make_node("Div", ["flat", "white"], ["unit"]),
        helper.make_node("MatMul", ["unit", "weights"], ["mean"]),
        helper.make_node("Mul", ["mean", "zero"], ["logvar"]),
        helper.make_node("ReduceSumSquare", ["mean", "axis"], ["novelty"], keepdims=0),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", *size_px, 3])
    outputs = [
        helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", D]),
        helper.make_tensor_value_info("logvar", TensorProto.FLOAT, ["n", D]),
        helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["n"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(255.0, np.float32), "white"),
        numpy_helper.from_array(np.array(0.0, np.float32), "zero"),
        numpy_helper.from_array(np.array([1]), "axis"),
        numpy_helper.from_array(weights.astype(np.float32), "weights"),
    ]
    graph = helper.make_graph(nodes, "tiny", [pixels], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def _decoder_model(weights: np.ndarray, shade: float) -> onnx.ModelProto:
    """The latent vector spread over the picture as grey levels: enough to be a picture."""
    nodes = [
        helper.make_node("MatMul", ["latent", "back"], ["flat"]),
        helper.make_node("Add", ["flat", "shade"], ["shaded"]),
        helper.make_node("Sigmoid", ["shaded"], ["unit"]),
        helper.make_node("Mul", ["unit", "white"], ["levels"]),
        helper.make_node("Cast", ["levels"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["bytes", "shape"], ["pixels"]),
    ]
    latent = helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", D])
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 32, 24, 3])
    constants = [
        numpy_helper.from_array(np.array(255.0, np.float32), "white"),
        numpy_helper.from_array(np.array([-1, HEIGHT_PX, WIDTH_PX, 3]), "shape"),
        numpy_helper.from_array(np.array(shade, np.float32), "shade"),
        numpy_helper.from_array(weights.astype(np.float32), "back"),
    ]
    graph = helper.make_graph(nodes, "tiny_decoder", [latent], [pixels], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def tiny_bundle_parts(seed: int, factor: int = 1, shade: float | None = None) -> dict[str, Any]:
    """Returns the arguments of ``write_bundle`` for a small encoder; each seed gives another.

    Its input is 32x24 pixels, times the factor. With a shade its decoder draws all photos alike:
    dark for a negative one, light for a positive one.
    """
    height_px, width_px = HEIGHT_PX * factor, WIDTH_PX * factor
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (3 * 4 * 3, D))
    content = _golden_jpeg(rng)
    pixels = read_letterbox(content, height_px, width_px).pixels
    mean = _expected_mean(pixels, weights, 8 * factor)
    golden = GoldenSample(content, pixels, mean, np.zeros(D, np.float32), float(mean @ mean))
    features = tuple(
        BundledFeature(
            block.name,
            block.name.title(),
            FeatureKind.DIMENSIONS,
            tuple(tuple(row) for row in np.eye(D)[block.start : block.end].tolist()),
            0.5,
        )
        for block in BLOCKS
    )
    manifest = Manifest(
        name=f"tiny-{seed}",
        input_height_px=height_px,
        input_width_px=width_px,
        latent_dimension_count=D,
        blocks=BLOCKS,
        features=features,
        training_data="none: random weights for tests",
        licence="Apache-2.0",
        commit="",
        train_time="2026-01-01T00:00:00+00:00",
        config={},
        quality={},
        latent_variances=(1.0,) * D,
        novelty_p99=100.0,
    )
    spread = rng.normal(0, 1 if shade is None else 0, (D, 32 * 24 * 3))
    return {
        "manifest": manifest,
        "encoder": _encoder_model(weights, factor).SerializeToString(),
        "decoder": _decoder_model(spread, shade or 0.0).SerializeToString(),
        "golden": [golden],
        "card": "# tiny\n",
        "pictures": {},
    }


def _golden_jpeg(rng: np.random.Generator) -> bytes:
    colours = rng.integers(0, 255, (4, 3, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).resize((96, 128), Image.Resampling.BILINEAR).save(buffer, "JPEG")
    return buffer.getvalue()


def _expected_mean(pixels: np.ndarray, weights: np.ndarray, cell: int) -> np.ndarray:
    """The graph's answer computed without it."""
    grid = pixels.astype(np.float64).reshape(4, cell, 3, cell, 3).mean(axis=(1, 3)) / 255
    return np.asarray(grid.transpose(2, 0, 1).reshape(-1) @ weights, np.float32)
