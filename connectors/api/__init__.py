"""Rasa's HTTP API: the part that reads."""
