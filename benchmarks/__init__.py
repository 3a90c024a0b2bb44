"""Measurements with their rival in the same run. `make bench` runs them all."""
