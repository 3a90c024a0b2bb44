"""Numbered SQL files; see `bot.ledger.schema`."""
