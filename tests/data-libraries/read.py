"""Reads the records of a dataset with every library and in every format, and compares them with what was sent.

    read.py URL TOKEN DATASET [--other]

The dataset is the one that scripts/data-check makes. With --other something else is expected, so that it has to fail.
"""

import datetime
import decimal
import io
import sys
import urllib.request

import duckdb
import fsspec
import pandas
import polars
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

url, token, dataset, *options = sys.argv[1:]
bearer = {"Authorization": f"Bearer {token}"}
records = f"{url}/api/v1/datasets/{dataset}/records"
kept = f"{url}/api/v1/datasets/{dataset}/versions/1/data.parquet"
UTC = datetime.timezone.utc
COLUMNS = ["n", "b", "f", "d", "t", "ok", "day", "moment", "ages", "j"]
EXPECTED = [
    (1, 9223372036854775807, 1.5e-7, decimal.Decimal("1234567890.10"), 'a, "b"', True, datetime.date(2024, 2, 29),
     datetime.datetime(2026, 11, 30, 21, 0, 0, 123456, UTC), "25-34", '{"a": [1]}'),
    (2,) + (None,) * 9,
    (3, -1, -2.0, decimal.Decimal(0), "ü", False, datetime.date(1999, 12, 31),
     datetime.datetime(2026, 11, 30, 21, 0, 0, 0, UTC), "75+", "[1]"),
]
if "--other" in options:
    EXPECTED[2] = EXPECTED[2][:3] + (decimal.Decimal("0.01"),) + EXPECTED[2][4:]


def get(kind):
    request = urllib.request.Request(f"{records}?format={kind}", headers=bearer)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return io.BytesIO(answer.read())


def same(what, rows):
    rows = [tuple(row[name] for name in COLUMNS) for row in rows]
    assert rows == EXPECTED, (what, rows)
    print("same:", what)


def plain(frame):
    """The rows of pandas, whose nulls and times are its own."""
    for row in frame.to_dict("records"):
        for name, value in row.items():
            if value is pandas.NaT or value is None or (value != value):
                row[name] = None
            elif isinstance(value, pandas.Timestamp):
                row[name] = value.to_pydatetime()
            elif hasattr(value, "item"):
                row[name] = value.item()
        yield row


# Whole files.
same("pyarrow, Parquet", pyarrow.parquet.read_table(get("parquet")).to_pylist())
same("pyarrow, Arrow", pyarrow.ipc.open_file(get("arrow")).read_all().to_pylist())
same("pyarrow, Arrow stream", pyarrow.ipc.open_stream(get("arrow-stream")).read_all().to_pylist())
same("polars, Parquet", polars.read_parquet(get("parquet")).to_dicts())
same("polars, Arrow", polars.read_ipc(get("arrow")).to_dicts())
same("polars, Arrow stream", polars.read_ipc_stream(get("arrow-stream")).to_dicts())
arrow_types = {"dtype_backend": "pyarrow"}
same("pandas, Parquet", plain(pandas.read_parquet(get("parquet"), **arrow_types)))
same("pandas, Arrow", plain(pandas.read_feather(get("arrow"), **arrow_types)))
whole = pyarrow.parquet.read_table(get("parquet"))
same("DuckDB, Arrow", duckdb.sql("SELECT * FROM whole").to_arrow_table().to_pylist())

# The types that each library says.
types = [str(field.type) for field in whole.schema]
assert types == ["int64", "int64", "double", "decimal128(12, 2)", "string", "bool", "date32[day]", "timestamp[us, tz=UTC]", "string", "string"], types
said = pyarrow.parquet.read_metadata(get("parquet")).metadata
assert said[b"chartroom.version"] == b"1" and said[b"chartroom.dataset"] == dataset.encode(), said
assert polars.read_parquet(get("parquet")).schema["d"] == polars.Decimal(12, 2)

# CSV and NDJSON, where they are told which column is what.
csv = pyarrow.csv.read_csv(
    get("csv"),
    convert_options=pyarrow.csv.ConvertOptions(column_types=whole.schema, strings_can_be_null=True, quoted_strings_can_be_null=False),
)
same("pyarrow, CSV", csv.to_pylist())
schema = polars.read_parquet(get("parquet")).schema
read = polars.read_csv(get("csv"), schema_overrides={**schema, "moment": polars.String}).with_columns(
    polars.col("moment").str.to_datetime("%+", time_unit="us", time_zone="UTC"))
same("polars, CSV", read.to_dicts())
columns = "{'n': 'BIGINT', 'b': 'BIGINT', 'f': 'DOUBLE', 'd': 'DECIMAL(12, 2)', 't': 'VARCHAR', 'ok': 'BOOLEAN', 'day': 'DATE', 'moment': 'TIMESTAMPTZ', 'ages': 'VARCHAR', 'j': 'VARCHAR'}"
fsspec.filesystem("memory").pipe("/records.csv", get("csv").read())
duck = duckdb.connect()
duck.execute("SET TimeZone = 'UTC'")
duck.register_filesystem(fsspec.filesystem("memory"))
same("DuckDB, CSV", duck.sql(f"SELECT * FROM read_csv('memory://records.csv', columns = {columns})").to_arrow_table().to_pylist())
frame = pandas.read_csv(f"{records}?format=csv", storage_options=bearer)
assert frame["b"].dropna().tolist() == [9223372036854775807, -1] or frame["b"].dropna().size == 2
assert frame["ages"].fillna("").tolist() == ["25-34", "", "75+"], frame
frame = pandas.read_json(f"{records}?format=ndjson", lines=True, storage_options=bearer)
assert frame["n"].tolist() == [1, 2, 3] and frame["j"][0] == {"a": [1]}, frame

# The file of a version, by its URL and with the token, by ranges.
web = fsspec.filesystem("http", headers=bearer)
same("pyarrow, by ranges", pyarrow.parquet.read_table(web.open(kept)).to_pylist())
same("pandas, by its URL", plain(pandas.read_parquet(kept, storage_options=bearer, **arrow_types)))
# Polars has no way to send a header with a URL of its own.
same("polars, by ranges", polars.read_parquet(web.open(kept)).to_dicts())
same("polars, lazily", polars.scan_parquet(web.open(kept)).collect().to_dicts())
# DuckDB asks for the time of a file, which fsspec has none of here.
web.modified = lambda path: datetime.datetime(2026, 1, 1, tzinfo=UTC)
duck.register_filesystem(web)
same("DuckDB, by ranges", duck.sql(f"SELECT * FROM read_parquet('{kept}')").to_arrow_table().to_pylist())
end = web.cat_file(kept, start=-8)
assert len(end) == 8 and end.endswith(b"PAR1"), end
