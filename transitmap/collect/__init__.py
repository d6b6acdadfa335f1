"""Bytes of one upload -> clean fixes of its rides: intake, formats, screen, trim."""
