"""A feed -> notices: the canonical rules in a process of their own, and ours for what they do not see."""

from transitmap.gtfs.validate.canonical import canonical
from transitmap.gtfs.validate.own import validate

__all__ = ["canonical", "validate"]
