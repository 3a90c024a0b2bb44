"""The one store. `open_ledger` gives its views; the contract is `bot.ledger.ledger`."""

from bot.ledger.store import Store, open_ledger

__all__ = ["Store", "open_ledger"]
