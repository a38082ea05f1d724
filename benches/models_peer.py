"""The same protocol by FastAPI and Python's onnxruntime, as quick as they go: a session for each worker that computes on one thread,
orjson both ways, and nothing between the body and the model. MODEL is its file."""

import os

import numpy
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
outputs = [output.name for output in session.get_outputs()]
TYPES = {"FP32": numpy.float32, "INT64": numpy.int64}
WORDS = {"float32": "FP32", "int64": "INT64"}
app = FastAPI()


@app.get("/ready")
async def ready():
    return {}


@app.post("/v2/models/{name}/infer")
async def infer(name: str, request: Request):
    question = orjson.loads(await request.body())
    values = {
        given["name"]: numpy.array(given["data"], TYPES[given["datatype"]]).reshape(given["shape"])
        for given in question["inputs"]
    }
    answered = session.run(outputs, values)
    body = {
        "model_name": name,
        "model_version": "1",
        "outputs": [
            {"name": output, "datatype": WORDS[str(value.dtype)], "shape": list(value.shape), "data": numpy.ascontiguousarray(value).ravel()}
            for output, value in zip(outputs, answered)
        ],
    }
    return Response(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
