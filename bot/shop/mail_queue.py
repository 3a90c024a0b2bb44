"""Sends mail from a thread of its own, so that a shopper's answer takes the same time with and without a mail."""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage

from bot.shop.mail import Mailer, MailError
from bot.shop.orders import ShopError

_log = logging.getLogger(__name__)

PAUSES_S = (0.5, 2.0, 8.0)
"""Waits before the second, third and fourth try."""

CLOSE_TIMEOUT_S = 5.0

Job = tuple[Callable[[], EmailMessage], Callable[[bool], None]]


class MailQueue:
    """Mails waiting for the mailer, in memory.

    What is lost in a crash was not marked as sent, so the turn that is handled again sends it again.

    Args:
        mailer: hands one mail over.
        pauses_s: waits between tries.
    """

    def __init__(self, mailer: Mailer, *, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._mailer = mailer
        self._pauses_s = pauses_s
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, write: Callable[[], EmailMessage], done: Callable[[bool], None]) -> None:
        """Queue a mail. Both are called in the sending thread.

        Args:
            write: makes the mail.
            done: told at the end whether the mailer took it.
        """
        self._jobs.put((write, done))
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shop-mail", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def close(self) -> None:
        """Send what waits, for at most CLOSE_TIMEOUT_S, and end the thread."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            atexit.unregister(self.close)
            self._jobs.put(None)
            thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            write, done = job
            try:
                done(self._deliver(write()))
            except ShopError as error:
                _log.error("a sent mail could not be marked as sent: %s", error)

    def _deliver(self, mail: EmailMessage) -> bool:
        for pause_s in (*self._pauses_s, None):
            try:
                self._mailer.send(mail)
            except MailError as error:
                if pause_s is None:
                    _log.error("a one-time code could not be mailed: %s", error)
                    return False
                _log.warning("mail is tried again in %s s: %s", pause_s, error)
                time.sleep(pause_s)
            else:
                return True
        return False
