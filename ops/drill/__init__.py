"""Drills: break a part of a deployed platform on purpose, and measure what a client sees of it."""
