"""What every feed of ours must pass: read back by partridge, not a notice from any of three validators."""

from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import read_tables
from transitmap.gtfs.validate import analyzer, canonical, validate


def pass_gate(tables, variant, today, folder):
    """Asserts that a feed as packed comes back value by value and that nobody finds an error or warning."""
    tables = {"frequencies": dict, "expanded": expand}[variant](tables)
    path = folder / f"{variant}.zip"
    path.write_bytes(pack(tables))
    back = read_tables(path)
    assert back == tables
    assert validate(back, today) == []
    assert [one for one in canonical(path, today) if one.severity != "info"] == []
    assert analyzer(path, today) == []
