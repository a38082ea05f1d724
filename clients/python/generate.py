"""Makes the two parts of the package that nobody writes by hand.

    generate.py OPENAPI.json [FOLDER]

`_generated.py` has the objects that the service shows, from its OpenAPI document. `_sync` is `_aio` without its `async` and `await`.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Any

HERE = pathlib.Path(__file__).parent

# What the package shows; all that these name comes with them.
SHOWN = ["ApiToken", "AuditEvent", "Comparison", "CreatedApiToken", "Dataset", "DatasetProfile", "DatasetVersion", "DiffSummary", "Event",
         "FieldError", "Import", "Job", "Lineage", "Me", "Member", "Model", "ModelAlias", "ModelStats", "ModelVersion", "Notification",
         "Post", "PredictionLog", "Project", "User"]

# The service judges values. A client that did so too would refuse what a newer service allows.
LIMITS = {"exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength",
          "minProperties", "minimum", "multipleOf", "pattern", "propertyNames", "uniqueItems"}

# In this order, because some hold others.
WITHOUT_AWAIT = [
    (r"from \._aio\b", "from ._sync"),
    (r"\bAsync(Client|Iterator|Iterable|Generator)\b", r"\1"),
    (r"\bcollections\.abc\.Async", "collections.abc."),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\ba(close|read|iter_bytes|next)\(", r"\1("),
]


def without_limits(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_limits(inner) for name, inner in value.items() if name not in LIMITS or not isinstance(inner, (int, float, str, dict, bool))}
    if isinstance(value, list):
        return [without_limits(inner) for inner in value]
    return value


def inlined(value: Any, schemas: dict[str, Any]) -> Any:
    """The names of ids and words are replaced by what they are: `project.id` is a UUID and not an object with one."""
    if isinstance(value, dict):
        name = value.get("$ref", "").rpartition("/")[2]
        if name and schemas[name].get("type") != "object" and "allOf" not in schemas[name]:
            meant = inlined(schemas[name], schemas)
            return {**meant, **{key: text for key, text in value.items() if key == "description"}}
        return {key: inlined(inner, schemas) for key, inner in value.items()}
    if isinstance(value, list):
        return [inlined(inner, schemas) for inner in value]
    return value


def named(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"].rpartition("/")[2]} if "$ref" in value else set()
        return found.union(*(named(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(named(inner) for inner in value))
    return set()


def shown(document: dict[str, Any]) -> dict[str, Any]:
    schemas = without_limits(copy.deepcopy(document["components"]["schemas"]))
    kept: dict[str, Any] = {}
    left = list(SHOWN)
    while left:
        name = left.pop()
        if name not in kept:
            kept[name] = inlined(schemas[name], schemas)
            left += named(kept[name])
    return dict(sorted(kept.items()))


def objects(document: dict[str, Any], target: pathlib.Path) -> None:
    small = {"openapi": "3.1.0", "info": document["info"], "paths": {}, "components": {"schemas": shown(document)}}
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "openapi.json")
        source.write_text(json.dumps(small), encoding="utf-8")
        made = pathlib.Path(folder, "made.py")
        subprocess.run(
            [sys.executable, "-m", "datamodel_code_generator", "--input", str(source), "--input-file-type", "openapi", "--output", str(made),
             "--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.10", "--use-annotated",
             "--use-standard-collections", "--use-union-operator", "--enum-field-as-literal", "all",
             "--use-schema-description", "--disable-timestamp", "--formatters", "builtin", "--base-class", "chartroom._base.Shown"],
            check=True, stdout=subprocess.DEVNULL)
        text = made.read_text(encoding="utf-8")
    # A newer service may know more words.
    text = re.sub(r"(Literal\[[^\]]*\])(?! \| str)", r"\1 | str", text)
    _, _, rest = text.partition("from __future__")
    head = '"""What the service shows, made by generate.py from its OpenAPI document; do not edit."""\n\nfrom __future__'
    target.write_text(head + rest, encoding="utf-8")


def without_await(source: pathlib.Path, target: pathlib.Path) -> None:
    target.mkdir(exist_ok=True)
    for file in sorted(source.glob("*.py")):
        if file.name == "_wait.py":  # by hand on both sides
            continue
        text = file.read_text(encoding="utf-8")
        for pattern, replacement in WITHOUT_AWAIT:
            text = re.sub(pattern, replacement, text)
        note = f"# Made by generate.py from _aio/{file.name}; do not edit.\n"
        (target / file.name).write_text(note + text, encoding="utf-8")


def main() -> None:
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "src" / "chartroom"
    document = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    objects(document, folder / "_generated.py")
    without_await(HERE / "src" / "chartroom" / "_aio", folder / "_sync")


if __name__ == "__main__":
    main()
