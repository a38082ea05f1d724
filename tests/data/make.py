"""Writes the files of every kind of value that tests read, as other people's programs write them."""

import datetime as d
import decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
UTC = d.timezone.utc


def workbook():
    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = d.datetime(2024, 1, 1)
    sheet = book.active
    sheet.title = "Kinds"
    sheet.append(["text", " two  spaces\nand a line ", "", "漢字 & <b>", "_x0041_"])
    sheet.append(["number", 1, -0.5, 0.1, 1e300, 1.5e-9, 123456789012345])
    sheet.append(["date", d.date(2024, 2, 29), d.datetime(2024, 2, 29, 13, 14, 15), d.time(7, 8, 9)])
    sheet.append(["length", d.timedelta(hours=25, minutes=30, seconds=1)])
    sheet.append(["truth", True, False])
    sheet.append(["error", "#DIV/0!", "#N/A"])
    sheet["C8"] = "alone"
    book.create_sheet("Empty")
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["secret"])
    book.save(HERE / "kinds.xlsx")


def table():
    at = d.datetime(2024, 2, 29, 13, 14, 15, 123456)
    columns = {
        "int": pa.array([9007199254740993, None, -(2**63)], pa.int64()),
        "unsigned": pa.array([2**64 - 1, None, 0], pa.uint64()),
        "float": pa.array([0.1, None, float("nan")], pa.float64()),
        "single": pa.array([0.1, None, float("-inf")], pa.float32()),
        "decimal": pa.array([decimal.Decimal("12345678901234567890.10"), None, decimal.Decimal("-0.01")], pa.decimal128(38, 2)),
        "text": pa.array(['a "b"\\\n', None, ""], pa.string()),
        "bool": pa.array([True, None, False]),
        "date": pa.array([d.date(2024, 2, 29), None, d.date(1, 1, 1)]),
        "time": pa.array([d.time(7, 8, 9, 10), None, d.time(0)], pa.time64("us")),
        "local": pa.array([at, None, d.datetime(1, 1, 1)], pa.timestamp("us")),
        "moment": pa.array([at.replace(tzinfo=UTC), None, d.datetime(9999, 12, 31, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        "nano": pa.array([1, None, -1], pa.timestamp("ns")),
        "list": pa.array([[1, None, 3], None, []], pa.list_(pa.int32())),
        "struct": pa.array([{"a": 1.5, "b": 'x"'}, None, {"a": float("nan"), "b": None}]),
        "map": pa.array([[("k", d.date(2024, 2, 29))], None, []], pa.map_(pa.string(), pa.date32())),
        "word": pa.array(["red", None, "blue"]).dictionary_encode(),
    }
    return pa.table(columns)


def main():
    workbook()
    kinds = table()
    pq.write_table(kinds, HERE / "kinds.parquet", compression="zstd", write_page_checksum=True)
    with pa.OSFile(str(HERE / "kinds.arrow"), "wb") as file, pa.ipc.new_file(file, kinds.schema) as writer:
        writer.write_table(kinds)
    packed = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(HERE / "kinds.arrows"), "wb") as file, pa.ipc.new_stream(file, kinds.schema, options=packed) as writer:
        writer.write_table(kinds)
    for codec in ["none", "snappy", "gzip", "lz4", "zstd", "brotli"]:
        numbers = pa.table({"n": pa.array(range(1000), pa.int32())})
        pq.write_table(numbers, HERE / f"numbers.{codec}.parquet", compression=codec, write_page_checksum=True)
    pq.write_table(pa.table({"picture": [b"\x89PNG"]}), HERE / "binary.parquet")
    far = pa.table({"at": pa.array([d.datetime(9999, 12, 31)], pa.timestamp("us"))})
    pq.write_table(far, HERE / "int96.parquet", use_deprecated_int96_timestamps=True)
    # One text of 1 MB in a hundred thousand rows: 100 GB, and a file of some kilobytes.
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), ["x" * 1_000_000])
    pq.write_table(pa.table({"long": long}), HERE / "long.parquet", compression="zstd")


main()
