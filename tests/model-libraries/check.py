"""Whether the child answers as Python's onnxruntime of the same version does, and ends in order whatever it is given.

    check.py [--all | --long]

Prints a line for each check. Needs CHARTROOM_RUNNER and CHARTROOM_ONNXRUNTIME.
"""

import os
import sys
import time
import traceback

import numpy
import onnxruntime

import hostile
import models
from child import Child, Ended, Refused, program

PROGRAM = program()
# A folder with the rules of languages, where the system has none.
ENVIRONMENT = {"LOCPATH": os.environ["LOCPATH"]} if "LOCPATH" in os.environ else {}


def session(made):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])


def table(value):
    """What a ZipMap made of a table, as the table again."""
    if isinstance(value, list):
        return numpy.array([[row[label] for label in row] for row in value], dtype=numpy.float32)
    return value


def is_same(one, other):
    if one.dtype.kind in "OUS":
        return one.shape == other.shape and [str(a) for a in one.ravel()] == [str(b) for b in other.ravel()]
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def compare(name, count):
    made, inputs = models.MODELS[name]()
    python = session(made)
    child = Child(*PROGRAM, made, environment=ENVIRONMENT)
    loaded = child.loaded
    assert loaded["batchable"] is (name not in models.ALONE), ("batchable", loaded["batchable"])
    assert [it["name"] for it in loaded["inputs"]] == [it.name for it in python.get_inputs()], loaded
    assert bool(loaded["notes"]) is name.startswith("zipmap"), loaded["notes"]
    draw = numpy.random.default_rng(11)
    spent = 0
    for _ in range(count):
        values = inputs(draw)
        began = time.perf_counter()
        told = child.ask(values)
        spent += time.perf_counter() - began
        named = dict(zip([it.name for it in python.get_inputs()], values))
        expected = [table(value) for value in python.run(None, named)]
        assert len(told) == len(expected)
        for one, other in zip(told, expected):
            assert is_same(one, numpy.asarray(other)), (one, other)
    ended = child.close()
    assert ended.startswith("0 "), ended
    return f"{count} inputs, {spent / count * 1e6:.0f} us each, {loaded['memory'] >> 20} MiB"


def another():
    """Each `mlp` has other weights, so what is compared must differ."""
    (made, inputs), (other, _) = models.mlp(), models.mlp()
    child = Child(*PROGRAM, made, environment=ENVIRONMENT)
    values = inputs(numpy.random.default_rng(11))
    (told,), (expected,) = child.ask(values), session(other).run(None, {"x": values[0]})
    assert told.shape == expected.shape and not is_same(told, expected), (told, expected)
    return child.close()


def survive(file, inputs, may):
    """Within 512 MiB, 3 s of a processor and a minute; says what became of it."""
    child, became = None, "answered"
    began = time.perf_counter()
    try:
        child = Child(*PROGRAM, file, memory=512 << 20, cpu=3, environment=ENVIRONMENT)
        child.ask(inputs)
        said = ""
    except Refused as refused:
        became, said = ("failed" if child else "refused"), str(refused)
    except Ended as ended:
        became, said = "ended", str(ended)
        # Ends that are its own: a crash, an abort, the limit of processor time, a call that is not allowed.
        assert said.split()[0] in ("-11", "-6", "-24", "-31", "-7", "-8", "-9"), said
    if child:
        child.close()
    took = time.perf_counter() - began
    assert became in may, (became, said)
    assert took < 60, took
    # Nothing of the library's own sources.
    assert not any(part in said for part in (".cc:", ".h:", "onnxruntime::", "_src/", "ONNXRuntimeError")), said
    return f"{became} after {took:.1f} s {said[:150]}".strip()


def alive():
    """The same limits let a model be that is none of these."""
    file, inputs, _ = hostile.MODELS["a_hundred_functions_in_each_other"]
    child = Child(*PROGRAM, file, memory=512 << 20, cpu=3, environment=ENVIRONMENT)
    for _ in range(3):
        assert child.ask(inputs)[0].tobytes() == inputs[0].tobytes()
    return child.close()


def main():
    is_long = "--long" in sys.argv
    failed = passed = 0

    def check(what, of, *arguments):
        nonlocal failed, passed
        try:
            print(f"ok      {what}: {of(*arguments)}", flush=True)
            passed += 1
        except Exception:
            print(f"FAILED  {what}", flush=True)
            traceback.print_exc(limit=2, file=sys.stdout)
            failed += 1

    for name in models.MODELS if is_long or "--all" in sys.argv else models.SHORT:
        check(name, compare, name, 1000 if is_long else 100)
    check("control: another model gives other answers", another)
    check("control: within these limits a model is run", alive)
    for name, given in hostile.MODELS.items():
        check(name.replace("_", " "), survive, *given)
    for name, given in hostile.flipped(200 if is_long else 10):
        check(name, survive, *given)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
