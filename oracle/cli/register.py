"""`wattest keys register`: the sign-once register in an operator's hands, with the node stopped (N3)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from oracle import config
from oracle.config import Configuration, ConfigurationFaulty
from oracle.keys.interchange import TEXT_MAX, exported, import_into, network_of
from oracle.keys.keystore import KeyKind, KeystoreError, public_of
from oracle.keys.process import Place
from oracle.keys.recovery import recover
from oracle.keys.register import NUMBER_MAX, Register
from oracle.keys.register_file import RegisterFailed, RegisterProblem, pinned_network
from oracle.service import signer_place

NETWORK_HEX: Final = 64
_ADVICE: Final = {
    RegisterProblem.LOCKED: "The node is running. Stop it first: what it signs meanwhile would be missing.",
    RegisterProblem.TWIN: "Another process has written the marker: find it and stop it for good.",
    RegisterProblem.OLD_COPY: "This is a restored copy. If no other machine has the newer one: `recover`.",
    RegisterProblem.LOST: "The register was lost. Put it back, or start over with `recover`.",
    RegisterProblem.MARKER_MISSING: "Put node.register_marker back where it was, or start over: `recover`.",
    RegisterProblem.MARKER_FOREIGN: "The marker is of another register: check node.data, or `recover`.",
    RegisterProblem.OTHER_NETWORK: "One data folder serves one network: check --config and --network.",
    RegisterProblem.EXPORT_MALFORMED: "Give a file that `export` wrote for this key; nothing was taken.",
}


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command under `wattest keys`."""
    register = actions.add_parser(
        "register",
        help="the sign-once register: show, export, import, recover",
        description="The register holds what this node has signed, so that it never signs otherwise at the"
        " same place. It moves with the key, never as a copy of its file.",
        epilog="To move a node: stop it; `export --out FILE`; `import FILE` on the new machine; start it"
        " there, and never start the old one again. Exit codes: 0 done; 1 the register refuses, and says"
        " why; 2 the command or a file is wrong.",
    )
    commands = register.add_subparsers(required=True, metavar="ACTION")
    show = commands.add_parser("show", help="what it holds, or why it may not be used")
    _common(show)
    show.set_defaults(run=_show)

    export = commands.add_parser("export", help="write it to a file, to move the node")
    _common(export)
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.set_defaults(run=_export)

    take = commands.add_parser(
        "import",
        help="take an export in: nothing is signed at or below what it holds",
        description="Takes an export in. What it holds is held from then on, and nothing new is signed at or"
        " below its last height and round: an import only ever forbids more.",
    )
    _common(take)
    take.add_argument("file", type=Path, metavar="FILE")
    take.set_defaults(run=_import)

    again = commands.add_parser(
        "recover",
        help="start over after a loss, from a height on that you answer for",
        description="Starts over when the register is lost, restored or contradicted. Nothing is signed up to"
        " and including HEIGHT. You answer for it: take a height that the node has certainly not signed"
        " beyond, say the network's newest plus a day of windows, and be sure that no other process has"
        " the key.",
    )
    _common(again)
    again.add_argument("--through-height", type=int, required=True, metavar="HEIGHT")
    again.set_defaults(run=_recover)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("node.toml"), metavar="FILE")
    parser.add_argument("--network", metavar="HEX", help="only for a register that does not know its own yet")
    parser.add_argument("--json", action="store_true", help="for programs")


def _show(options: argparse.Namespace) -> int:
    return _done(options, _shown)


def _export(options: argparse.Namespace) -> int:
    return _done(options, _exported)


def _import(options: argparse.Namespace) -> int:
    return _done(options, _imported)


def _recover(options: argparse.Namespace) -> int:
    return _done(options, _recovered)


def _done(options: argparse.Namespace, action: Any) -> int:
    """Carry an action out and say what it did; every refusal with what to do about it."""
    try:
        configuration = config.load(options.config)
        place = signer_place(configuration)
        said = action(options, configuration, place, public_of(place.key, KeyKind.NODE))
    except (ConfigurationFaulty, KeystoreError, OSError, ValueError) as cause:
        return _refused(options, 2, "wrong-command", str(cause), "")
    except RegisterFailed as cause:
        code = 2 if cause.problem is RegisterProblem.EXPORT_MALFORMED else 1
        return _refused(options, code, cause.problem.value, str(cause), _ADVICE.get(cause.problem, ""))
    if options.json:
        print(json.dumps(said))
    else:
        for name, value in said.items():
            print(f"{name:16} {value}")
    return 0


def _refused(options: argparse.Namespace, code: int, name: str, text: str, advice: str) -> int:
    if options.json:
        print(json.dumps({"refused": name, "detail": text, "what_to_do": advice}))
    sys.stderr.write(f"wattest keys register: {text}\n" + (f"  {advice}\n" if advice else ""))
    return code


def _shown(options: argparse.Namespace, _: Configuration, place: Place, key: bytes) -> dict[str, Any]:
    register = _opened(place)
    network = register.network or _given(options) or b""
    try:
        rows = [at for at, _ in register.rows(network) if at.key == key]
        marks = [mark for owner, mark in register.watermarks(network) if owner == key]
        last = max(((at.height, at.round) for at in rows), default=None)
        return {
            "key": key.hex(),
            "network": network.hex(),
            "generation": register.generation,
            "signed": len(rows),
            "last_height": None if last is None else last[0],
            "last_round": None if last is None else last[1],
            "watermarks": [
                {"phase": mark.phase, "height": mark.height, "round": mark.round} for mark in marks
            ],
            "signed_elsewhere": len(register.twins(network)),
        }
    finally:
        register.close()


def _exported(options: argparse.Namespace, _: Configuration, place: Place, key: bytes) -> dict[str, Any]:
    network = _network(options, place)
    register = _opened(place)
    try:
        text = exported(register, network)
        count = len(register.rows(network))
    finally:
        register.close()
    with options.out.open("x", encoding="ascii") as file:  # an older export is not overwritten unseen
        file.write(text)
    return {
        "file": str(options.out),
        "key": key.hex(),
        "network": network.hex(),
        "signed": count,
        "next": "import it on the new machine, and never start this one again",
    }


def _imported(options: argparse.Namespace, _: Configuration, place: Place, key: bytes) -> dict[str, Any]:
    if options.file.stat().st_size > TEXT_MAX:
        raise RegisterFailed(RegisterProblem.EXPORT_MALFORMED, "too long")
    text = options.file.read_text(encoding="ascii", errors="replace")
    network, keys = network_of(text)
    if key not in keys:
        raise RegisterFailed(RegisterProblem.EXPORT_MALFORMED, f"it says nothing of the key {key.hex()}")
    known = pinned_network(place.register) or _given(options)
    if known not in (None, network):
        raise RegisterFailed(RegisterProblem.OTHER_NETWORK, f"the file is of {network.hex()[:12]}")
    place.register.parent.mkdir(parents=True, exist_ok=True)
    register = place.open_register()
    try:
        register.pin(network)
        conflicts = import_into(register, network, text)
        count = len(register.rows(network))
    finally:
        register.close()
    return {"key": key.hex(), "network": network.hex(), "signed": count, "contradictions": conflicts}


def _recovered(options: argparse.Namespace, _: Configuration, place: Place, key: bytes) -> dict[str, Any]:
    height = options.through_height
    if not 0 <= height <= NUMBER_MAX:
        raise ValueError(f"--through-height: {height} is no height")
    network = _network(options, place)
    place.register.parent.mkdir(parents=True, exist_ok=True)
    recover(place.register, place.marker, key, network, height)
    return {
        "key": key.hex(),
        "network": network.hex(),
        "nothing_through": height,
        "next": "the node may start; it follows, and votes from the next height on",
    }


def _opened(place: Place) -> Register:
    """The register that is there; none is made by looking for it."""
    if not place.register.exists():
        raise RegisterFailed(RegisterProblem.LOST, f"there is no {place.register}")
    return place.open_register()


def _network(options: argparse.Namespace, place: Place) -> bytes:
    """The register's own network, or the one given where it knows none."""
    known, given = pinned_network(place.register), _given(options)
    if known is not None and given not in (None, known):
        raise RegisterFailed(RegisterProblem.OTHER_NETWORK, f"it serves {known.hex()[:12]}")
    network = known or given
    if network is None:
        raise ValueError(
            "the register does not know its network yet: give --network, as /v1/committee of any node has it"
        )
    return network


def _given(options: argparse.Namespace) -> bytes | None:
    if options.network is None:
        return None
    text = options.network.removeprefix("0x")
    if len(text) != NETWORK_HEX:
        raise ValueError("--network: 64 hex digits")
    return bytes.fromhex(text)
