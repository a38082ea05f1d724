"""Models that nobody makes by mistake, and some that one does.

`MODELS` gives for each name the file, the inputs to ask it with, and what may become of it: `refused`
before it is asked, `failed` when it is, `ended` (the process is gone), or `answered`.
"""

import numpy
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT, BOOL, TEXT = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING
ONE = numpy.ones(1, numpy.float32)
node, place = helper.make_node, helper.make_tensor_value_info
MODELS = {}


def case(inputs, *may):
    def add(make):
        made = make()
        file = made if isinstance(made, bytes) else made.SerializeToString()
        MODELS[make.__name__] = (file, inputs, may)
        return make
    return add


def model(nodes, inputs, outputs, weights=(), functions=(), opsets=(("", 17),), ir=8):
    return helper.make_model(
        helper.make_graph(nodes, "hostile", inputs, outputs, list(weights)), functions=list(functions),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets], ir_version=ir)


def whole(values, name):
    return numpy_helper.from_array(numpy.array(values), name)


def plain(opset=17, ir=8):
    return model([node("Relu", ["x"], ["y"])], [place("x", FLOAT, [1])], [place("y", FLOAT, [1])],
                 opsets=(("", opset),), ir=ir)


def field(number, body):
    """A field of protobuf, for what the library that writes it refuses."""
    head, length = bytes([number << 3 | 2]), len(body)
    while length >= 128:
        head, length = head + bytes([length & 127 | 128]), length >> 7
    return head + bytes([length]) + body


def whole_model(made, rest):
    """The model, with more at the end of its graph."""
    body = made.graph.SerializeToString() + rest
    made.ClearField("graph")
    return made.SerializeToString() + field(7, body)


def elsewhere(location):
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def external(location):
    return model([node("Identity", ["w"], ["y"])], [], [place("y", FLOAT, [4])], [elsewhere(location)])


@case([], "refused")
def values_in_a_file_above():
    return external("../../../../../../etc/passwd")


@case([], "refused")
def values_in_a_file_by_its_path():
    return external("/etc/passwd")


@case([], "refused")
def values_at_an_address():
    return external("*/_ORT_MEM_ADDR_/*")


@case([], "refused")
def values_elsewhere_in_an_attribute():
    return model([node("Constant", [], ["y"], value=elsewhere("other.bin"))], [], [place("y", FLOAT, [4])])


@case([], "refused")
def values_elsewhere_in_a_branch():
    branch = helper.make_graph([node("Identity", ["w"], ["b"])], "b", [], [place("b", FLOAT, [4])], [elsewhere("o")])
    return model([node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
                 [], [place("y", FLOAT, [4])], [whole(True, "c")])


def constant(*shape):
    return model([node("ConstantOfShape", ["s"], ["y"])], [], [place("y", FLOAT, None)],
                 [whole(numpy.array(shape, numpy.int64), "s")])


@case([], "refused", "failed", "ended")
def a_table_of_terabytes():
    return constant(1 << 20, 1 << 20)


@case([], "refused", "failed", "ended")
def a_list_of_three_gigabytes():
    return constant(3 << 28)


@case([], "refused", "failed", "ended")
def a_shape_that_overflows():
    return constant(1 << 33, 1 << 33)


def wrong_weight(dims):
    weight = TensorProto(name="w", data_type=FLOAT, dims=dims, raw_data=b"\0" * 16)
    return model([node("Identity", ["w"], ["y"])], [], [place("y", FLOAT, None)], [weight])


@case([], "refused")
def more_values_than_bytes():
    return wrong_weight([1 << 40])


@case([], "refused")
def fewer_values_than_none():
    return wrong_weight([-4])


@case([ONE], "refused", "ended")
def a_loop_without_an_end():
    body = helper.make_graph(
        [node("Identity", ["c"], ["on"]), node("Add", ["a", "a"], ["sum"])], "body",
        [place("i", INT, []), place("c", BOOL, []), place("a", FLOAT, [1])],
        [place("on", BOOL, []), place("sum", FLOAT, [1])])
    return model([node("Loop", ["times", "go", "x"], ["y"], body=body)], [place("x", FLOAT, [1])],
                 [place("y", FLOAT, [1])], [whole(numpy.int64(1 << 62), "times"), whole(True, "go")])


def chain(depth):
    functions = []
    for level in range(depth):
        inner = node("Relu", ["a"], ["b"]) if level == 0 else node(f"f{level - 1}", ["a"], ["b"], domain="own")
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        functions.append(helper.make_function("own", f"f{level}", ["a"], ["b"], [inner], opsets))
    return model([node(f"f{depth - 1}", ["x"], ["y"], domain="own")], [place("x", FLOAT, [1])],
                 [place("y", FLOAT, [1])], functions=functions, opsets=(("", 17), ("own", 1)))


@case([ONE], "answered")
def a_hundred_functions_in_each_other():
    return chain(100)


@case([ONE], "refused", "failed", "ended")
def three_thousand_functions_in_each_other():
    return chain(3000)


@case([ONE], "refused")
def twenty_thousand_functions():
    return chain(20_000)


@case([ONE], "refused", "ended")
def a_function_that_calls_itself():
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    function = helper.make_function("own", "f", ["a"], ["b"], [node("f", ["a"], ["b"], domain="own")], opsets)
    return model([node("f", ["x"], ["y"], domain="own")], [place("x", FLOAT, [1])], [place("y", FLOAT, [1])],
                 functions=[function], opsets=(("", 17), ("own", 1)))


@case([ONE], "refused")
def an_operator_of_nobody():
    return model([node("Evil", ["x"], ["y"], domain="evil")], [place("x", FLOAT, [1])], [place("y", FLOAT, [1])],
                 opsets=(("", 17), ("evil", 1)))


@case([ONE], "refused")
def an_operator_in_python():
    operator = node("PyOp", ["x"], ["y"], domain="com.microsoft", module="os", class_name="x")
    return model([operator], [place("x", FLOAT, [1])], [place("y", FLOAT, [1])],
                 opsets=(("", 17), ("com.microsoft", 1)))


@case([ONE], "failed", "ended")
def forty_times_doubled():
    nodes = [node("Concat", [f"c{n - 1}" if n else "x"] * 2, [f"c{n}"], axis=0) for n in range(40)]
    return model(nodes, [place("x", FLOAT, [1])], [place("c39", FLOAT, None)])


@case([ONE, numpy.array(True)], "refused")
def sixty_branches_in_each_other():
    def graph(name, text):
        output = place(name, FLOAT, None).SerializeToString()
        return field(1, text) + field(2, name.encode()) + field(12, output)

    def branch(name, then, otherwise):
        text = node("If", ["c"], [name]).SerializeToString()
        for side, inner in ((b"then_branch", then), (b"else_branch", otherwise)):
            # Of the attribute: its name, the graph, and that it is one.
            text += field(5, field(1, side) + field(6, inner) + b"\xa0\x01\x05")
        return graph(name, text)

    leaf = inner = graph("leaf", node("Identity", ["x"], ["leaf"]).SerializeToString())
    for level in range(60):
        inner = branch(f"o{level}", inner, inner if level < 12 else leaf)
    made = plain()
    made.graph.input.append(place("c", BOOL, []))
    made.graph.ClearField("node")
    outer = branch("y", inner, leaf)
    # The rest of the model's own graph stands before its one operator.
    made.graph.ClearField("output")
    return whole_model(made, outer)


@case([numpy.ones((10, 1), numpy.float32)], "refused", "failed", "ended", "answered")
def a_place_before_the_first():
    operator = node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain="ai.onnx.ml")
    return model([operator], [place("x", FLOAT, [10, 1])], [place("y", FLOAT, None)],
                 [whole(numpy.array([-10], numpy.int64), "i")], opsets=(("", 17), ("ai.onnx.ml", 3)))


@case([ONE], "refused")
def a_circle():
    return model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])], [place("x", FLOAT, [1])],
                 [place("b", FLOAT, [1])])


def tree(**changed):
    parts = dict(
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.0] * 3,
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        class_treeids=[0, 0], class_nodeids=[1, 2], class_ids=[0, 1], class_weights=[1.0, 1.0],
        classlabels_int64s=[0, 1], post_transform="NONE")
    operator = node("TreeEnsembleClassifier", ["x"], ["l", "p"], domain="ai.onnx.ml", **{**parts, **changed})
    return model([operator], [place("x", FLOAT, [1, 2])], [place("l", INT, None), place("p", FLOAT, None)],
                 opsets=(("", 17), ("ai.onnx.ml", 3)))


TWO = [numpy.zeros((1, 2), numpy.float32)]


@case(TWO, "refused", "failed", "ended", "answered")
def a_tree_of_a_column_that_is_not_there():
    return tree(nodes_featureids=[999_999, 0, 0])


@case(TWO, "refused", "ended")
def a_tree_that_is_its_own_branch():
    return tree(nodes_truenodeids=[0, 0, 0])


@case(TWO, "refused", "failed", "ended", "answered")
def a_tree_of_labels_that_are_not_there():
    return tree(class_ids=[0, 1 << 40])


@case([], "refused")
def noise():
    return numpy.random.default_rng(5).bytes(4096)


@case([], "refused")
def nothing():
    return b""


@case([], "refused")
def the_runtimes_own_format():
    return b"\x18\0\0\0ORTM" + bytes(64)


@case([], "refused")
def half_a_model():
    file = plain().SerializeToString()
    return file[: len(file) // 2]


@case([], "refused")
def graphs_ten_thousand_deep():
    inner = b""
    for _ in range(10_000):
        inner = field(1, field(5, field(6, inner)))  # of a graph a node, of it an attribute, of it a graph
    return whole_model(plain(), inner)


@case([ONE], "refused")
def a_million_operators():
    made = plain()
    operator = field(1, made.graph.node[0].SerializeToString())
    return whole_model(made, operator * 1_000_001)


@case([ONE], "refused")
def operators_of_the_future():
    return plain(opset=9999)


@case([ONE], "refused")
def operators_of_the_past():
    return plain(opset=6)


@case([ONE], "refused")
def a_form_of_the_future():
    return plain(ir=99)


@case([numpy.array(["A"], dtype=object)], "refused")
def a_language_that_is_read_from_the_disk():
    operator = node("StringNormalizer", ["x"], ["y"], case_change_action="LOWER", locale="de_DE.UTF-8")
    return model([operator], [place("x", TEXT, [1])], [place("y", TEXT, None)])


@case([ONE], "refused")
def a_sequence_at_the_end():
    output = helper.make_tensor_sequence_value_info("y", FLOAT, None)
    return model([node("SequenceConstruct", ["x", "x"], ["y"])], [place("x", FLOAT, [1])], [output])


@case([ONE], "failed", "refused", "ended")
def an_answer_that_is_too_long():
    return model([node("Expand", ["x", "s"], ["y"])], [place("x", FLOAT, [1])], [place("y", FLOAT, None)],
                 [whole(numpy.array([20 << 20], numpy.int64), "s")])


@case([ONE], "failed", "refused", "ended")
def a_range_without_an_end():
    return model([node("Range", ["from", "to", "by"], ["r"]), node("ReduceMax", ["r"], ["m"]),
                  node("Cast", ["m"], ["f"], to=FLOAT), node("Add", ["x", "f"], ["y"])],
                 [place("x", FLOAT, [1])], [place("y", FLOAT, None)],
                 [whole(numpy.int64(0), "from"), whole(numpy.int64(1 << 62), "to"), whole(numpy.int64(1), "by")])


@case([numpy.ones((1, 1, 2, 2), numpy.float32)], "failed", "refused", "ended")
def a_place_far_behind_the_last():
    where = whole(numpy.full((1, 1, 2, 2), 1 << 40, numpy.int64), "i")
    return model([node("MaxUnpool", ["x", "i"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
                 [place("x", FLOAT, [1, 1, 2, 2])], [place("y", FLOAT, None)], [where])


@case([ONE], "failed", "refused")
def a_row_of_a_table_that_is_not_there():
    return model([node("Gather", ["x", "i"], ["y"])], [place("x", FLOAT, [1])], [place("y", FLOAT, None)],
                 [whole(numpy.array([1 << 40], numpy.int64), "i")])


def flipped(count):
    """A tree with bits turned over, each time others; no one knows what becomes of it, but it ends."""
    draw = numpy.random.default_rng(3)
    file = tree().SerializeToString()
    for number in range(count):
        changed = bytearray(file)
        for at in draw.integers(0, len(file), int(draw.integers(1, 6))):
            changed[at] ^= 1 << int(draw.integers(0, 8))
        yield f"a tree with turned bits {number}", (bytes(changed), TWO, ("refused", "failed", "ended", "answered"))
