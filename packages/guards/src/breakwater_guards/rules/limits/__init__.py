"""Limits: numbers, words, names and schedules that a service takes."""
