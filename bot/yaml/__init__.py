"""Reads one YAML file into nodes that know their place; nothing here knows what a chat bot is."""
