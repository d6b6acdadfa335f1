"""Tests of transitmap.gtfs.export."""
