"""`shoptalk run` and `shoptalk run actions`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import os
import threading

from bot.cli.loading import endpoints_of, has_actions
from bot.errors import ShoptalkError

DEFAULT_PORT = 5005
DEFAULT_ACTION_PORT = 5055


def main(args: argparse.Namespace) -> int:
    level = logging.DEBUG if args.debug else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    endpoints = endpoints_of(args)
    default = DEFAULT_ACTION_PORT if args.what == "actions" else DEFAULT_PORT
    port = default if args.port is None else args.port
    try:
        if args.what == "actions":
            _serve_actions(args, port)
        else:
            # Most of a start is importing torch; what the disk and the linker take of it fits beside our own imports.
            threading.Thread(target=importlib.import_module, args=("torch",), daemon=True).start()
            from bot.cli.site import Site

            asyncio.run(Site(args, endpoints).serve(port))
    except OSError as error:
        if error.filename:
            raise  # a file, not the port
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ShoptalkError(f"port {port} of {args.interface} can't be used: {reason}. Try --port") from error
    return 0


def _serve_actions(args: argparse.Namespace, port: int) -> None:
    if not has_actions(args.project, args.actions):
        name = args.actions.replace(".", "/")
        raise ShoptalkError(f"{args.project.resolve()} has no custom actions: neither a folder {name}/ nor {name}.py")
    from bot.action_server import serve

    gc.enable()
    serve(args.project, port, package=args.actions, host=args.interface)
