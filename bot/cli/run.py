"""`shoptalk run` and `shoptalk run actions`."""

from __future__ import annotations

import argparse
import asyncio
import logging

from bot.cli.loading import endpoints_of
from bot.errors import ShoptalkError

DEFAULT_PORT = 5005
DEFAULT_ACTION_PORT = 5055


def main(args: argparse.Namespace) -> int:
    level = logging.DEBUG if args.debug else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    endpoints = endpoints_of(args)
    try:
        if args.what == "actions":
            from bot.action_server import serve

            serve(args.project, args.port or DEFAULT_ACTION_PORT, package=args.actions, host=args.interface)
        else:
            from bot.cli.site import Site

            asyncio.run(Site(args, endpoints).serve(args.port or DEFAULT_PORT))
    except OSError as error:
        port = args.port or (DEFAULT_ACTION_PORT if args.what == "actions" else DEFAULT_PORT)
        raise ShoptalkError(f"port {port} of {args.interface} can't be used: {error.strerror}. Try --port") from error
    return 0
