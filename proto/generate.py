"""Generates service/stylefacet/v1 from the .proto files; `--out DIR` writes elsewhere."""

import argparse
import importlib.resources
import sys
from pathlib import Path

import google.rpc
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
PACKAGE = Path("stylefacet/v1")
INIT = '"""Generated from proto/stylefacet/v1 by `poe proto`; do not edit."""\n'


def generate(out: Path) -> None:
    """Writes messages, stubs and their types below ``out``/stylefacet/v1."""
    target = out / PACKAGE
    target.mkdir(parents=True, exist_ok=True)
    for stale in target.glob("*_pb2*"):
        stale.unlink()
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / PACKAGE).glob("*.proto"))
    # google/api, rpc and longrunning come with googleapis-common-protos, protobuf with the tools.
    common = Path(google.rpc.__path__[0]).parent.parent
    # It ships this file under another name than the one it is imported by.
    operations = "google/longrunning/operations.proto"
    shipped = common / operations.replace("operations.proto", "operations_proto.proto")
    tools = importlib.resources.files("grpc_tools") / "_proto"
    code = protoc.main(
        [
            "protoc",
            f"-I{ROOT}",
            f"-I{operations}={shipped}",
            f"-I{common}",
            f"-I{tools}",
            f"--python_out={out}",
            f"--pyi_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_grpc_out={out}",
            *sources,
        ]
    )
    if code != 0:
        sys.exit(code)
    for empty in target.glob("*_pb2_grpc.py*"):
        # Files of messages alone still get stubs, without a service.
        if not empty.name.split("_pb2", maxsplit=1)[0].endswith("_service"):
            empty.unlink()
    (target / "__init__.py").write_text(INIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT.parent / "service")
    generate(parser.parse_args().out)
