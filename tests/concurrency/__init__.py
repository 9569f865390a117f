"""Races between processes on a real database, each with a negative control where one is told."""
