"""The trained archive."""
