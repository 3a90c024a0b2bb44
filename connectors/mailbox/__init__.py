"""The development mailbox: mail that the shop would have sent, as a page."""
