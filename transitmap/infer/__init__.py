"""Everybody's rides -> a Network: legs, patterns, shapes, stops, times, trips."""
