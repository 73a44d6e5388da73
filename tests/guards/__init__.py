"""Tests of the guards on our own app."""
