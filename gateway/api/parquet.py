"""Tables as Parquet, by pyarrow: it is large, so who wants it installs ``switchroom[parquet]``."""

import io
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from gateway.core.errors import Refused


def parquet(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    """A table of moments, texts and numbers. Raises ``Refused`` where pyarrow is not installed."""
    try:
        arrow: Any = import_module("pyarrow")
        files: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise Refused(
            "bad_field",
            "Parquet needs pyarrow at this node: pip install 'switchroom[parquet]'; or ask for csv",
            "format",
        ) from error
    table = {
        name: arrow.array([row[name] for row in rows], _type(arrow, name, rows)) for name in columns
    }
    out = io.BytesIO()
    files.write_table(arrow.table(table), out, compression="zstd")
    return out.getvalue()


def _type(arrow: Any, name: str, rows: Sequence[dict[str, Any]]) -> Any:
    """By the first value there is; a column without any is of numbers."""
    first = next((row[name] for row in rows if row[name] is not None), None)
    if isinstance(first, datetime):
        return arrow.timestamp("us", tz="UTC")
    if isinstance(first, str):
        return arrow.string()
    return arrow.float64()
