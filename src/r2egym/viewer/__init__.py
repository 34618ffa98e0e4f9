"""The viewer: pages on which one finds why an attempt ended as it did, and every plot.

``r2egym view`` serves pages (``viewer.web``); :func:`write_attempt` and :func:`write_overview` make files that
need nothing.
"""

from r2egym.viewer.catalogue import Catalogue
from r2egym.viewer.charts import curves
from r2egym.viewer.export import write_attempt, write_overview
from r2egym.viewer.palette import COLOURS, MARKS, SERIES
from r2egym.viewer.sources import find_sources

__all__ = [
    "COLOURS",
    "MARKS",
    "SERIES",
    "Catalogue",
    "curves",
    "find_sources",
    "write_attempt",
    "write_overview",
]
