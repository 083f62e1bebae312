"""`ablate proxy`: one process between a storage and many workers.

A database server serves some hundred connections and a SQLite file one machine; the proxy holds
few connections itself, and any number of workers come to it (Optuna's gRPC storage proxy).
"""

import argparse
import ipaddress
import socket
import sys
from collections.abc import Sequence

from ablate.cli.options import PASSWORD
from ablate.cli.reporting import STATUSES, Parser, reporting
from ablate.errors import InputError

LOOPBACK, PORT = "127.0.0.1", 13000
LAST_PORT = 2**16 - 1


def main(argv: Sequence[str] | None = None, prog: str = "ablate proxy") -> int:
    """Run the command and return its exit status: 2 bad input, 130 stopped."""
    args = make_parser(prog).parse_args(argv)
    return reporting(lambda: _serve(args.storage, args.host, args.port))


def _serve(where: str, host: str, port: int) -> int:
    from ablate.engine.storage import serve, shown

    _check_free(host, port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not _is_loopback(host):
        print(
            f"ablate: --host {host}: there is no password, so whoever reaches port {port} can "
            "change the studies; keep it to a private network",
            file=sys.stderr,
        )
    print(f"{shown(where)} is served; workers use --storage grpc://{address}", flush=True)
    serve(where, host, port)
    return 0


def _check_free(host: str, port: int) -> None:
    """Refuse an address that is taken: gRPC would share it, and mix up two storages."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise InputError(
            f"--host {host} --port {port}: cannot be listened on ({error.strerror}); expected an "
            "address of this machine and a port that is free"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port, 1 to {LAST_PORT}")
    return int(text)


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Stand in front of a storage, so that hundreds of workers can use it.",
        epilog=f"{PASSWORD} {STATUSES}",
    )
    parser.add_argument("--storage", required=True, metavar="URL", help="where the trials are kept")
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        help=f"address to listen on (default: {LOOPBACK}, which only this machine reaches)",
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"to listen on (default: {PORT})"
    )
    return parser
