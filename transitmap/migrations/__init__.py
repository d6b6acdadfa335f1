"""Alembic's folder: one file a change of the tables, applied by `store.upgrade`."""
