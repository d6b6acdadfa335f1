"""Changes of the tables, in the order of their numbers."""
