"""`python -m oracle.keys`: a node's signer. Started by the node, with the channel's descriptor.

Not for people: `wattest run` starts and watches it. It imports no more than it needs, so
that little else runs beside the node key.
"""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

from oracle.keys.keystore import KeystoreError
from oracle.keys.process import Place, serve


def main() -> int:
    """Serve the channel, or with --check only open the key; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m oracle.keys", description=__doc__)
    parser.add_argument("--channel", type=int, metavar="FD")
    parser.add_argument("--check", action="store_true", help="open the key, say its public form, and end")
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--register", type=Path, required=True)
    parser.add_argument("--marker", type=Path)
    parser.add_argument("--light", action="store_true")
    given = parser.parse_args()
    place = Place(given.key, given.password_file, given.register, given.marker, given.light)
    if given.check:
        try:
            sys.stdout.write(place.open_key().public.hex() + "\n")
        except KeystoreError as cause:
            sys.stderr.write(f"{cause}\n")
            return 1
        return 0
    if given.channel is None:
        parser.error("--channel or --check is needed")
    with socket.socket(fileno=given.channel) as channel:
        return serve(place, channel)


if __name__ == "__main__":
    sys.exit(main())
