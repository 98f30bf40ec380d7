"""Generates the Python code of `pamazon.proto` (`make proto`, or `python -m demo_flow.proto.generate`).

In: `pamazon.proto`. Out: `pamazon_pb2.py`, `pamazon_pb2.pyi` and `pamazon_pb2_grpc.py`, in this folder or the one
given. Needs grpcio-tools, which only developers have; the generated files are committed and compared by a test.
"""

import sys
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
GENERATED = ("pamazon_pb2.py", "pamazon_pb2.pyi", "pamazon_pb2_grpc.py")


def generate(target: Path) -> None:
    """Writes the generated files to `target`/demo_flow/proto; raises RuntimeError where the compiler refuses."""
    from grpc_tools import protoc

    source = HERE / "pamazon.proto"
    code = protoc.main(
        [
            "protoc",
            f"--proto_path={ROOT}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--python_out={target}",
            f"--pyi_out={target}",
            f"--grpc_python_out={target}",
            str(source),
        ]
    )
    if code:
        message = f"{source} does not compile; see above"
        raise RuntimeError(message)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
