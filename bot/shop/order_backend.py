"""The contract between the actions and whatever holds a shop's orders."""

from __future__ import annotations

from typing import Protocol

from bot.shop.orders import Customer, Order, Product, ServiceRequest


class OrderBackend(Protocol):
    """Orders, customers and products of a shop. Methods block; all raise ShopError when the store can't answer.

    Order data is only ever asked for together with its owner, so that a caller can't read a stranger's order by
    its number alone.
    """

    def find_customer(self, order_number: str, contact: str) -> Customer | None:
        """The owner of an order, if `contact` is the e-mail address or phone number on file for it.

        Args:
            order_number: normalised, `#W2611340`.
            contact: normalised e-mail address or phone number; never empty.
        """
        ...

    def order(self, customer_id: str, number: str) -> Order | None:
        """The customer's order; None both for an unknown number and for somebody else's order."""
        ...

    def orders_of(self, customer_id: str) -> tuple[Order, ...]:
        """All orders of a customer, newest first as far as the shop knows dates."""
        ...

    def products(self) -> tuple[Product, ...]:
        """The whole public catalogue, with stock and prices."""
        ...

    def record(self, request: ServiceRequest) -> str:
        """Keep a request for a colleague; the same `effect` again answers the same number.

        Returns:
            The number that the shopper gets, like `R-7KQ2M4`.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
