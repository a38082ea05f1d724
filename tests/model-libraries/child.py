"""One child of chartroom-runner, spoken with as the service does it (crates/chartroom-wire)."""

import hashlib
import json
import os
import struct
import subprocess

import numpy

HEAD = struct.Struct("<IIBBH")
PART = 256 * 1024
KINDS = ["head", "data", "end", "failure", "cancel", "walls"]
# In the order of their codes.
TYPES = [
    ("BOOL", numpy.bool_), ("UINT8", numpy.uint8), ("UINT16", numpy.uint16), ("UINT32", numpy.uint32),
    ("UINT64", numpy.uint64), ("INT8", numpy.int8), ("INT16", numpy.int16), ("INT32", numpy.int32),
    ("INT64", numpy.int64), ("FP16", numpy.float16), ("FP32", numpy.float32), ("FP64", numpy.float64),
    ("BYTES", numpy.object_),
]
WORDS = [word for word, _ in TYPES]


class Refused(Exception):
    """A failure that the child told; the code is its first word."""


class Ended(Exception):
    """The child ended without a word."""


def tensor(value):
    value = numpy.asarray(value)
    if value.dtype.kind in "OUS":
        code = WORDS.index("BYTES")
        texts = [text if isinstance(text, bytes) else str(text).encode() for text in value.ravel()]
        body = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        code = [numpy.dtype(of) for _, of in TYPES].index(value.dtype)
        body = numpy.ascontiguousarray(value).tobytes()
    axes = struct.pack(f"<{value.ndim}Q", *value.shape)
    return bytes([code, value.ndim]) + axes + struct.pack("<Q", len(body)) + body


def values(body):
    (count,), at, read = struct.unpack_from("<H", body), 2, []
    for _ in range(count):
        code, axes = body[at], body[at + 1]
        shape = struct.unpack_from(f"<{axes}Q", body, at + 2)
        at += 2 + 8 * axes
        (length,) = struct.unpack_from("<Q", body, at)
        part = body[at + 8:at + 8 + length]
        at += 8 + length
        if TYPES[code][0] == "BYTES":
            texts, place = [], 0
            while place < length:
                (size,) = struct.unpack_from("<I", part, place)
                texts.append(part[place + 4:place + 4 + size].decode())
                place += 4 + size
            read.append(numpy.array(texts, dtype=object).reshape(shape))
        else:
            read.append(numpy.frombuffer(part, TYPES[code][1]).reshape(shape))
    assert at == len(body)
    return read


class Child:
    def __init__(self, program, library, model, *, memory=1 << 30, cpu=60, probe=True, environment=None):
        self.child = subprocess.Popen(
            [program, "model", library], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment or {})
        self.next = 1
        load = {"size": len(model), "sha256": hashlib.sha256(model).hexdigest(),
                "walls": {"memory": memory, "cpu": cpu}, "probe": probe}
        try:
            self.write(0, "head", json.dumps(load).encode())
            self.write(0, "data", model)
            self.write(0, "end", b"")
        except BrokenPipeError:
            pass
        self.walls = json.loads(self.read(0, "walls"))
        self.loaded = json.loads(self.read(0, "head"))

    def write(self, number, kind, body):
        parts = [body[at:at + PART] for at in range(0, len(body), PART)] or [b""]
        for index, part in enumerate(parts):
            more = index + 1 < len(parts)
            self.child.stdin.write(HEAD.pack(len(part), number, KINDS.index(kind), more, 0) + part)
        self.child.stdin.flush()

    def read(self, number, kind):
        body, more = b"", True
        while more:
            head = self.child.stdout.read(HEAD.size)
            if len(head) < HEAD.size:
                raise Ended(self.close())
            length, of, code, more, _ = HEAD.unpack(head)
            assert of == number, (of, number)
            body += self.child.stdout.read(length)
        if KINDS[code] == "failure":
            failure = json.loads(body)
            raise Refused(f"{failure['code']} {failure['message']}")
        assert KINDS[code] == kind, KINDS[code]
        return body

    def ask(self, inputs, wanted=()):
        number, self.next = self.next, self.next + 1
        body = struct.pack(f"<H{len(wanted)}H", len(wanted), *wanted)
        body += struct.pack("<H", len(inputs)) + b"".join(tensor(value) for value in inputs)
        self.write(number, "data", body)
        return values(self.read(number, "data"))

    def close(self):
        """How it ended, and what it said."""
        for stream in (self.child.stdin, self.child.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        said = self.child.stderr.read().decode()[:500]
        return f"{self.child.wait(timeout=60)} {said}"

    def kill(self):
        self.child.kill()
        return self.close()


def program():
    return os.environ["CHARTROOM_RUNNER"], os.environ["CHARTROOM_ONNXRUNTIME"]
