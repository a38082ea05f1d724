#!/usr/bin/env python3
"""From a CSV file to a model in production, in the steps of a notebook: each `# %%` begins a cell.

    pip install 'chartroom[numpy]' pandas scikit-learn skl2onnx
    CHARTROOM_URL=http://127.0.0.1:8080 CHARTROOM_TOKEN=... python examples/from_csv_to_model.py
"""

import io
import uuid

import chartroom
import numpy
import pandas
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingRegressor

client = chartroom.Client()
name = f"flats-{uuid.uuid4().hex[:8]}"

# %% A file with 2,000 flats, which are invented: their size, rooms, year and rent.
random = numpy.random.default_rng(7)
size = random.uniform(20, 150, 2000).round(1)
rooms = (size / 25).astype(int) + 1
year = random.integers(1900, 2026, 2000)
rent = (9 * size + 40 * rooms + 0.5 * (year - 1900) + random.normal(0, 20, 2000)).round(2)
file = pandas.DataFrame({"size": size, "rooms": rooms, "year": year, "rent": rent}).to_csv(index=False).encode()

# %% It becomes a dataset: the types are found out, and either all rows are there or none.
project = client.projects.create(name)
flats = client.datasets.create("flats", project=project, description="Invented flats and their rents")
load = flats.load(file, type="text/csv", message="the first 2,000")
print(f"loaded {load.rows_written} rows as version {load.version}: {', '.join(f'{column.name} {column.type}' for column in flats.columns)}")

# %% Whoever trains says from which version.
frame = pandas.read_csv(io.BytesIO(client.request("GET", f"/api/v1/datasets/{flats.id}/records", params={"format": "csv", "version": "1"}).content))
inputs = frame[["size", "rooms", "year"]].to_numpy(numpy.float32)
forest = GradientBoostingRegressor(n_estimators=50, random_state=0).fit(inputs, frame["rent"])
made = to_onnx(forest, inputs[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString()

# %% The model goes into production: a version that never changes, and an alias that leads to it.
rents = client.models.create(name, project=project, description="Rents of flats")
version = rents.push(made)
rents.describe(version.version, metrics={"r2": forest.score(inputs, frame["rent"])}, trained_on=[{"dataset": str(flats.id), "version": 1}])
rents.move("production", version.version, reason="the first one")
print(f"version {version.version} is {version.state}")

# %% A question, and the same to the model where it was trained.
asked = numpy.array([[55.0, 3, 1998]], dtype=numpy.float32)
answer = rents.predict(asked)["variable"][0, 0]
print(f"a flat of 55 m2: {answer:.0f}, which differs from scikit-learn's answer by less than 0.01: {abs(answer - forest.predict(asked)[0]) < 0.01}")

# %% All rows are scored into another dataset, of which everybody can ask where it comes from.
scored = client.datasets.create("scored", project=project)
done = rents.score(flats, into=scored, inputs=["size", "rooms", "year"], columns=["size", "rent"])
scored.refresh()
print(f"scored {done.rows_written} rows: {', '.join(column.name for column in scored.columns)}")
kinds = sorted({edge.kind for edge in rents.lineage(1).edges})
print(f"lineage: {', '.join(kinds)}")
