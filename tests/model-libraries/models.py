"""Models as people make them: scikit-learn, XGBoost, LightGBM, and networks of layers.

Each function gives the file and a function that draws inputs; `SHORT` names those of the short form.
"""

import glob
import os
import warnings

import magika
import numpy
import onnx
import pandas
import xgboost
import lightgbm
from onnx import TensorProto, helper, numpy_helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as Floats
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier, IsolationForest, RandomForestClassifier, RandomForestRegressor)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

warnings.filterwarnings("ignore")
FEATURES = 20
random = numpy.random.default_rng(7)
X = random.normal(size=(1500, FEATURES)).astype(numpy.float32)
KIND = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int) + (X[:, 3] > 1)
AMOUNT = X @ random.normal(size=FEATURES) + numpy.sin(X[:, 4] * 3)
TABLE = [("x", FloatTensorType([None, FEATURES]))]
WORDS = "good bad river Paris the a long way Data 42 not very is was ÄRGER Ünlü".split()


def rows(draw, most=5):
    return int(draw.integers(1, most + 1))


def numbers(draw):
    return [draw.normal(size=(rows(draw), FEATURES)).astype(numpy.float32)]


def fitted(model, target=KIND, **options):
    model.fit(X, target)
    options.setdefault("options", {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None)
    return to_onnx(model, initial_types=TABLE, target_opset={"": 18, "ai.onnx.ml": 3}, **options).SerializeToString()


def forest():
    return fitted(RandomForestClassifier(40, max_depth=8, random_state=0)), numbers


def boosting():
    return fitted(GradientBoostingClassifier(n_estimators=30, random_state=0)), numbers


def regressor():
    return fitted(RandomForestRegressor(30, max_depth=8, random_state=0), AMOUNT), numbers


def logistic():
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, KIND)
    options = {"zipmap": False}
    return to_onnx(model, initial_types=TABLE, options=options).SerializeToString(), numbers


def isolation():
    model = IsolationForest(n_estimators=30, random_state=0).fit(X)
    made = to_onnx(model, initial_types=TABLE, target_opset={"": 18, "ai.onnx.ml": 3})
    return made.SerializeToString(), numbers


def columns():
    count = 400
    frame = pandas.DataFrame({
        "age": random.normal(40, 10, count).astype(numpy.float32),
        "pay": random.normal(5, 1, count).astype(numpy.float32),
        "city": random.choice(["Berlin", "Kraków", "Paris"], count),
        "job": random.choice(["x", "y"], count)})
    columns = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "pay"]),
        ("words", OneHotEncoder(handle_unknown="ignore"), ["city", "job"])])
    model = Pipeline([("columns", columns), ("model", LogisticRegression())])
    model.fit(frame, random.integers(0, 2, count))
    made = to_onnx(model, options={"zipmap": False}, initial_types=[
        ("age", FloatTensorType([None, 1])), ("pay", FloatTensorType([None, 1])),
        ("city", StringTensorType([None, 1])), ("job", StringTensorType([None, 1]))])

    def inputs(draw):
        count = rows(draw)
        age = draw.normal(40, 10, (count, 1)).astype(numpy.float32)
        age[draw.random((count, 1)) < 0.2] = numpy.nan
        return [age, draw.normal(5, 1, (count, 1)).astype(numpy.float32),
                draw.choice(["Berlin", "Kraków", "Oslo", ""], (count, 1)).astype(object),
                draw.choice(["x", "y", "z"], (count, 1)).astype(object)]

    return made.SerializeToString(), inputs


def sentence(draw):
    return " ".join(draw.choice(WORDS, int(draw.integers(1, 9))))


def tfidf():
    texts = [sentence(random) for _ in range(300)]
    model = make_pipeline(TfidfVectorizer(lowercase=True), LogisticRegression())
    model.fit(texts, ["good" in text for text in texts])
    made = to_onnx(model, initial_types=[("text", StringTensorType([None, 1]))], options={"zipmap": False})

    def inputs(draw):
        return [numpy.array([[sentence(draw)] for _ in range(rows(draw))], dtype=object)]

    return made.SerializeToString(), inputs


def machine():
    return fitted(SVC(probability=True, random_state=0)), numbers


def neighbours():
    return fitted(KNeighborsClassifier(5)), numbers


def xgb():
    model = xgboost.XGBClassifier(n_estimators=40, max_depth=5, n_jobs=1).fit(X, KIND)
    return convert_xgboost(model, initial_types=[("x", Floats([None, FEATURES]))]).SerializeToString(), numbers


def lgbm():
    model = lightgbm.LGBMClassifier(n_estimators=40, verbose=-1, n_jobs=1).fit(X, KIND)
    types = [("x", Floats([None, FEATURES]))]
    return convert_lightgbm(model, initial_types=types, zipmap=False).SerializeToString(), numbers


def zipmap():
    model = LogisticRegression(max_iter=500).fit(X, KIND)
    return to_onnx(model, initial_types=TABLE).SerializeToString(), numbers


def zipmap_of_words():
    model = LogisticRegression(max_iter=500).fit(X, numpy.array(["low", "middle", "high"])[KIND])
    return to_onnx(model, initial_types=TABLE).SerializeToString(), numbers


def graph(nodes, inputs, outputs, weights, opset=17):
    floats = TensorProto.FLOAT
    made = helper.make_model(
        helper.make_graph(
            nodes, "made by hand", [helper.make_tensor_value_info(name, floats, shape) for name, shape in inputs],
            [helper.make_tensor_value_info(name, floats, shape) for name, shape in outputs], weights),
        opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def weight(name, *shape):
    values = random.normal(size=shape) / numpy.sqrt(shape[0])
    return numpy_helper.from_array(values.astype(numpy.float32), name)


def mlp():
    node = helper.make_node
    nodes = [node("Gemm", ["x", "a", "ab"], ["h"]), node("Relu", ["h"], ["r"]),
             node("Gemm", ["r", "b", "bb"], ["o"]), node("Softmax", ["o"], ["y"])]
    weights = [weight("a", FEATURES, 128), weight("ab", 128), weight("b", 128, 10), weight("bb", 10)]
    return graph(nodes, [("x", ["N", FEATURES])], [("y", ["N", 10])], weights), numbers


def cnn():
    node = helper.make_node
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [node("Conv", ["x", "a", "ab"], ["h"], **same), node("Relu", ["h"], ["r"]),
             node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
             node("Conv", ["p", "b", "bb"], ["g"], **same), node("GlobalAveragePool", ["g"], ["m"]),
             node("Flatten", ["m"], ["f"]), node("Gemm", ["f", "c", "cb"], ["y"])]
    weights = [weight("a", 16, 3, 3, 3), weight("ab", 16), weight("b", 32, 16, 3, 3), weight("bb", 32),
               weight("c", 32, 10), weight("cb", 10)]
    made = graph(nodes, [("x", ["N", 3, 32, 32])], [("y", ["N", 10])], weights)
    return made, lambda draw: [draw.normal(size=(rows(draw, 2), 3, 32, 32)).astype(numpy.float32)]


def transformer():
    width, heads, length = 64, 4, 16
    node, x = helper.make_node, "x"
    array = lambda name, values: numpy_helper.from_array(numpy.array(values), name)
    nodes = []
    weights = [array("split", [0, length, heads, width // heads]), array("join", [0, length, width]),
               array("scale", numpy.float32((width // heads) ** -0.5))]
    for layer in range(2):
        p = f"layer{layer}."
        weights += [weight(p + part, width, width) for part in "qkvo"]
        weights += [weight(p + "in", width, 4 * width), weight(p + "out", 4 * width, width)]
        weights += [array(p + "one", numpy.ones(width, numpy.float32)), array(p + "zero", numpy.zeros(width, numpy.float32))]
        for part in "qkv":
            order = [0, 2, 3, 1] if part == "k" else [0, 2, 1, 3]
            nodes += [node("MatMul", [x, p + part], [p + part + "m"]),
                      node("Reshape", [p + part + "m", "split"], [p + part + "r"]),
                      node("Transpose", [p + part + "r"], [p + part + "t"], perm=order)]
        nodes += [node("MatMul", [p + "qt", p + "kt"], [p + "s"]), node("Mul", [p + "s", "scale"], [p + "ss"]),
                  node("Softmax", [p + "ss"], [p + "sm"], axis=-1), node("MatMul", [p + "sm", p + "vt"], [p + "av"]),
                  node("Transpose", [p + "av"], [p + "at"], perm=[0, 2, 1, 3]),
                  node("Reshape", [p + "at", "join"], [p + "ar"]), node("MatMul", [p + "ar", p + "o"], [p + "ao"]),
                  node("Add", [x, p + "ao"], [p + "b"]),
                  node("LayerNormalization", [p + "b", p + "one", p + "zero"], [p + "n"], axis=-1),
                  node("MatMul", [p + "n", p + "in"], [p + "f"]), node("Relu", [p + "f"], [p + "fr"]),
                  node("MatMul", [p + "fr", p + "out"], [p + "fo"]), node("Add", [p + "n", p + "fo"], [p + "y"])]
        x = p + "y"
    made = graph(nodes, [("x", ["N", length, width])], [(x, ["N", length, width])], weights)
    return made, lambda draw: [draw.normal(size=(rows(draw, 3), length, width)).astype(numpy.float32)]


def recurrent():
    """The state [2, N, 8] of two directions: rows are its second axis, so it cannot be joined."""
    hidden, width = 8, 6
    node = helper.make_node(
        "LSTM", ["x", "w", "r", "", "", "state"], ["", "y"], hidden_size=hidden, direction="bidirectional")
    weights = [weight("w", 2, 4 * hidden, width), weight("r", 2, 4 * hidden, hidden)]
    made = graph([node], [("x", [5, "N", width]), ("state", [2, "N", hidden])], [("y", [2, "N", hidden])], weights)

    def inputs(draw):
        count = rows(draw)
        return [draw.normal(size=(5, count, width)).astype(numpy.float32),
                draw.normal(size=(2, count, hidden)).astype(numpy.float32)]

    return made, inputs


def shipped():
    """The one that the package magika brings along: bytes of a file to what kind of file it is."""
    found = glob.glob(os.path.join(os.path.dirname(magika.__file__), "models", "*", "model.onnx"))
    with open(sorted(found)[-1], "rb") as file:
        made = file.read()
    shape = onnx.load_from_string(made).graph.input[0].type.tensor_type.shape.dim
    length = shape[1].dim_value
    return made, lambda draw: [draw.integers(0, 257, (rows(draw), length)).astype(numpy.int32)]


MODELS = {made.__name__: made for made in (
    forest, columns, tfidf, xgb, mlp, zipmap, boosting, regressor, logistic, isolation, machine, neighbours,
    lgbm, zipmap_of_words, cnn, transformer, recurrent, shipped)}
SHORT = ["forest", "columns", "tfidf", "xgb", "mlp", "zipmap"]
# Whose rows cannot be joined.
ALONE = ["recurrent"]
