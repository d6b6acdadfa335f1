"""One campaign of the game: its settings, its life, its signed snapshot, its end report."""
