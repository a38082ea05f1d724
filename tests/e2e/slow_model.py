"""A model that takes its time: it counts, one after the other, and adds what it has counted to what it is asked.

Written by hand, field by field as onnx.proto numbers them, since no library for it has to be there. Its shape is fixed, so that
questions are not answered together, and each costs the same.
"""

import struct

FLOAT, INT64, BOOL = 1, 7, 9


def answer(asked, times):
    """What it says to that."""
    return [number + times for number in asked]


def slow_model(times):
    """ONNX that adds 1 to two numbers so many times; a thousand times take about a millisecond."""
    body = _graph(
        [_node("Identity", ["go"], ["on"]), _node("Add", ["before", "one"], ["after"])],
        [_place("i", INT64, []), _place("go", BOOL, []), _place("before", FLOAT, [1, 2])],
        [_place("on", BOOL, []), _place("after", FLOAT, [1, 2])],
    )
    inside = _bytes(1, b"body") + _bytes(6, body) + _number(20, 5)
    graph = _graph(
        [_node("Loop", ["times", "go", "x"], ["y"], inside)],
        [_place("x", FLOAT, [1, 2])],
        [_place("y", FLOAT, [1, 2])],
        [_constant("times", INT64, struct.pack("<q", times)), _constant("go", BOOL, b"\x01"), _constant("one", FLOAT, struct.pack("<f", 1))],
    )
    return _number(1, 8) + _bytes(2, b"tests") + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 17))


def _graph(nodes, inputs, outputs, constants=()):
    parts = [(1, nodes), (2, [b"slow"]), (5, constants), (11, inputs), (12, outputs)]
    return b"".join(_bytes(field, part) for field, all_of_it in parts for part in all_of_it)


def _node(operator, inputs, outputs, attribute=b""):
    names = [_bytes(1, name.encode()) for name in inputs] + [_bytes(2, name.encode()) for name in outputs]
    return b"".join(names) + _bytes(4, operator.encode()) + (_bytes(5, attribute) if attribute else b"")


def _place(name, kind, axes):
    shape = b"".join(_bytes(1, _number(1, axis)) for axis in axes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape)))


def _constant(name, kind, value):
    return _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, value)


def _bytes(field, value):
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _varint(number):
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
