"""A feed's zip or folder -> tables as they stand in it: the only door to partridge and pandas."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

from transitmap.errors import DAMAGED_ARCHIVE, TransitmapError
from transitmap.model import Tables


class FeedUnreadable(TransitmapError, ValueError):
    """A path that is no feed, or a feed with a table that is no CSV."""


def read_tables(path: Path) -> Tables:
    """Every `.txt` table of a feed, raw: nothing is pruned, converted or filled in.

    The reader strips spaces around values and takes the words pandas knows for a missing value (NA, null,
    None) for an empty one; a file with a header only gives columns without rows, an empty file no columns.

    Raises:
        FeedUnreadable: the path is no feed, or a table cannot be read as CSV.
    """
    from partridge import load_raw_feed

    try:
        names = _table_names(path)
        with warnings.catch_warnings():
            # partridge 1.1.2 renames columns in place, which pandas 3 announces to end.
            warnings.filterwarnings("ignore", message="The inplace keyword")
            feed = load_raw_feed(str(path))
            return {name: _columns(feed.get(name)) for name in names}
    except DAMAGED_ARCHIVE as error:  # ValueError is also how pandas refuses a CSV
        raise FeedUnreadable(f"{path.name}: no readable feed: {error}") from error


def _table_names(path: Path) -> list[str]:
    """Names of the tables at the root of a zip or folder, sorted."""
    if path.is_dir():
        return sorted(one.name for one in path.glob("*.txt"))
    with zipfile.ZipFile(path) as archive:
        return sorted(name for name in archive.namelist() if name.endswith(".txt") and "/" not in name)


def _columns(frame: Any) -> dict[str, list[str]]:
    """A table of strings as plain columns."""
    return {str(name): frame[name].fillna("").astype(str).tolist() for name in frame.columns}
