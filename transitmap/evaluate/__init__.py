"""A feed against a reference: how true it is, in figures, in words and on a map."""

from transitmap.evaluate.calibration import Claim, claims_of, reliability
from transitmap.evaluate.feed_map import read_feed_map
from transitmap.evaluate.picture import draw_evaluation, draw_feed
from transitmap.evaluate.score import Evaluation, evaluate
from transitmap.evaluate.words import describe

__all__ = [
    "Claim",
    "Evaluation",
    "claims_of",
    "describe",
    "draw_evaluation",
    "draw_feed",
    "evaluate",
    "read_feed_map",
    "reliability",
]
