"""`wattest init`: a folder with keys, a password and a configuration. `wattest keys`: what goes with them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import coincurve

from oracle.chain.address import MAINNET, TESTNET, account_text, address_of
from oracle.cli import register
from oracle.keys.ceremony import new_key, new_password
from oracle.keys.keystore import LIGHT, STANDARD, KeyKind, KeystoreError

CONFIGURATION: Final = """\
# A Wattest node. Paths are relative to this file; secrets are in files of their own.

[node]
data = "data"                        # journal, history, records, sign-once register
node_key = "keys/node.json"          # signs votes; never copy it to a second machine
account_key = "keys/account.json"    # pays for transactions
tls_key = "keys/tls.json"
password_file = "keys/password"
allow_light_keys = {light}              # true only in demonstrations

[chain]
endpoints = ["http://127.0.0.1:20443"]  # a Stacks node's RPC; several, with agree = 2, to trust none
agree = 1
deployer = "ST000000000000000000002AMW42H"  # who deployed the contracts: put the network's here
poll_s = 5.0
stage_s = 30.0                       # how long each submitter waits for the one before it
confirmations = 6

[peers]
listen = "127.0.0.1:8490"
# lease_ms = 5000                    # how long the members hold to one running instance of this node
[peers.addresses]                    # the other members: node key = "HOST:PORT"
# 02ab... = "oracle.example.org:8490"

[api]
listen = "127.0.0.1:8480"

[feeds]
roster = "roster.json"               # which meter speaks where, and how
# push_tokens = "tokens.json"        # who may POST to /v1/records
# [feeds.mqtt]
# host = "127.0.0.1"
# port = 1883
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    init = commands.add_parser(
        "init",
        help="make keys and a configuration for a new node",
        description="Makes DIR with node key, account key, TLS key, a password file and node.toml."
        " Nothing that exists is overwritten.",
    )
    init.add_argument("directory", type=Path, metavar="DIR")
    init.add_argument("--light", action="store_true", help="weak key files, for demonstrations only")
    init.add_argument("--json", action="store_true", help="print what was made as JSON")
    init.set_defaults(run=_init)
    keys = commands.add_parser("keys", help="the sign-once register that belongs to the node key")
    register.add(keys.add_subparsers(required=True, metavar="WHAT"))


def _init(options: argparse.Namespace) -> int:
    directory: Path = options.directory
    keys = directory / "keys"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    cost = LIGHT if options.light else STANDARD
    try:
        password = new_password(keys / "password")
        node = new_key(KeyKind.NODE, keys / "node.json", password, cost)
        account = new_key(KeyKind.CHAIN, keys / "account.json", password, cost)
        new_key(KeyKind.TLS, keys / "tls.json", password, cost)
    except KeystoreError as cause:
        print(f"wattest init: {cause}")
        return 2
    configuration = directory / "node.toml"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION.format(light=str(options.light).lower()))
    public = coincurve.PublicKey(account.public)
    made = {
        "configuration": str(configuration),
        "node_key": node.public.hex(),
        "account_mainnet": account_text(address_of(public, MAINNET)),
        "account_testnet": account_text(address_of(public, TESTNET)),
    }
    if options.json:
        print(json.dumps(made))
    else:
        for name, value in made.items():
            print(f"{name:16} {value}")
        print("Next: fund the account, register the node key on chain, fill in node.toml, `wattest run`.")
    return 0
