"""Arrays of numpy in the binary form of the Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

KINDS = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "int8": "INT8", "int16": "INT16",
    "int32": "INT32", "int64": "INT64", "float16": "FP16", "float32": "FP32", "float64": "FP64",
}


def question(arrays: Mapping[str, Any], outputs: Sequence[str] | None) -> tuple[bytes, dict[str, str]]:
    """The body and the headers that ask for the outputs of these inputs, or for those of them that are named."""
    import numpy

    inputs: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, values in arrays.items():
        array = numpy.asarray(values)
        if array.dtype.kind in "OUS":
            kind, data = "BYTES", b"".join(_text(value) for value in array.reshape(-1).tolist())
        elif array.dtype.name in KINDS:
            kind = KINDS[array.dtype.name]
            data = numpy.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        else:
            raise TypeError(f"{name}: there is no tensor of {array.dtype}; these are known: {', '.join(KINDS)} and texts")
        inputs.append({"name": name, "datatype": kind, "shape": list(array.shape), "parameters": {"binary_data_size": len(data)}})
        parts.append(data)
    asked: dict[str, Any] = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    if outputs is not None:
        asked["outputs"] = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
    head = json.dumps(asked).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return head + b"".join(parts), headers


def answer(body: bytes, head_length: str | None) -> dict[str, numpy.ndarray[Any, Any]]:
    """The arrays of an answer, by name."""
    import numpy

    length = len(body) if head_length is None else int(head_length)
    document = json.loads(body[:length])
    dtypes = {kind: name for name, kind in KINDS.items()}
    found = {}
    for output in document["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        kind, shape = output["datatype"], output["shape"]
        if size is None:
            array = numpy.array(output["data"], dtype=object if kind == "BYTES" else dtypes[kind])
        elif kind == "BYTES":
            array = numpy.array(_texts(body[length:length + size]), dtype=object)
        else:
            array = numpy.frombuffer(body[length:length + size], dtype=numpy.dtype(dtypes[kind]).newbyteorder("<"))
        length += size or 0
        found[output["name"]] = array.reshape(shape)
    return found


def _text(value: object) -> bytes:
    data = value if isinstance(value, bytes) else str(value).encode()
    return len(data).to_bytes(4, "little") + data


def _texts(data: bytes) -> list[str]:
    found, place = [], 0
    while place < len(data):
        end = place + 4 + int.from_bytes(data[place:place + 4], "little")
        found.append(data[place + 4:end].decode())
        place = end
    return found
