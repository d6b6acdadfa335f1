"""A feed -> notices: ours, the canonical rules in a process of their own, and a second opinion on both."""

from transitmap.gtfs.validate.analyzer import analyzer
from transitmap.gtfs.validate.canonical import canonical
from transitmap.gtfs.validate.own import validate

__all__ = ["analyzer", "canonical", "validate"]
