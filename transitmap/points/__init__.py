"""Who made this map: evidence, rules, score, standings."""
