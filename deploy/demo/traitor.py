"""`python -m deploy.demo.traitor NAME --config FILE`: an operator's node in bad hands.

The production node, service and storage, with an adversary of the simulator at its links
and its key. The traitor opens the node key itself, beside the signer's process: whoever
owns a machine owns its key, and no register can keep them from signing twice. That is what
evidence is for.

Where a kind's moods change by chance in the simulator, the demo holds one of them, so that
the deed is the one the charge names.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import ClassVar, Final

import coincurve

from consensus.simulator.adversaries import Amnesia, Favour, Withhold
from consensus.simulator.adversary import Adversary, Means, read_frame, read_vote
from consensus.step import Outgoing
from deploy.demo.adversaries import ALL, Censor, LyingRecords, TurnedLinks, TurnedNode
from oracle import config
from oracle.config import Configuration, ConfigurationFaulty
from oracle.events import Offered
from oracle.keys import keystore
from oracle.keys.keystore import KeyKind
from oracle.model import Reading
from oracle.service import Service, opened
from oracle.telemetry import logging as logs

FALSE_WH: Final = 1_000
"""What lying operators add to the register of their victim."""
VICTIM: Final = 5
"""The usage point that is lied about or left out: a household, whose meter signs by itself."""
FORGETFUL: Final = 0.3
"""Of so many votes it does not remember that it has given them."""

_log = logging.getLogger("wattest.traitor")


@dataclass(slots=True)
class FavoursOne(Favour):
    """Talks to its first peer alone, and hears everybody."""

    def __post_init__(self) -> None:
        self._told = frozenset(self.means.peers[:1])
        self._heard = frozenset(self.means.peers)

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """To the favoured alone."""
        told = [Outgoing(outgoing.frame, peer) for peer in self.receivers(outgoing) if peer in self._told]
        if not told:
            self.act("frames kept from peers")
        return told


@dataclass(slots=True)
class WithholdsVotes(Withhold):
    """Never lets a vote out."""

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """Everything else is said."""
        if read_frame(outgoing.frame).get("topic") != "vote":
            return (outgoing,)
        self.act("no vote")
        return ()


@dataclass(slots=True)
class VotesAnew(Amnesia):
    """Forgets votes that it has given, and gives another beside its register: for nothing."""

    def forgets(self) -> bool:
        """Votes alone: the process goes on."""
        return False

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """A vote for an entry is followed by one for nothing, of the same round."""
        payload = read_frame(outgoing.frame).get("payload")
        if not isinstance(payload, bytes) or read_frame(outgoing.frame).get("topic") != "vote":
            return (outgoing,)
        height, round_, phase, digest = read_vote(payload)
        if payload not in self.own or digest is None or not self.chances(FORGETFUL):
            return (outgoing,)
        self.act("voted anew")
        return (outgoing, Outgoing(self.vote_frame(height, round_, phase, None)))


@dataclass(slots=True)
class LieTogether(LyingRecords):
    """Operators in league: all take the same false register for what the victim's meter signed."""

    name: ClassVar[str] = "lying-records"

    def twist(self, outgoing: Outgoing) -> Iterable[Outgoing]:
        """What they say follows from what they believe."""
        return (outgoing,)

    def heed(self, event: object) -> object | None:
        """The victim's register is higher by FALSE_WH."""
        if not isinstance(event, Offered):
            return event
        return replace(event, readings=tuple(map(self._falsified, event.readings)))

    def _falsified(self, reading: Reading) -> Reading:
        if reading.usage_point != VICTIM or reading.import_register_wh is None:
            return reading
        self.act("register falsified")
        return replace(reading, import_register_wh=reading.import_register_wh + FALSE_WH)


@dataclass(slots=True)
class CensorsVictim(Censor):
    """Knows nothing of the victim."""

    victims: frozenset[int] = frozenset({VICTIM})


KINDS: Final[dict[str, type[Adversary]]] = {
    **ALL,
    **{kind.name: kind for kind in (FavoursOne, WithholdsVotes, VotesAnew, LieTogether, CensorsVictim)},
}


def turn(service: Service, kind: type[Adversary], key: coincurve.PrivateKey) -> Adversary:
    """Put an adversary around a node that is open and does not run yet."""
    node = service.node
    slot = node.own
    if slot is None:
        raise ConfigurationFaulty(("the traitor is no member of the committee",))
    means = Means(slot, node.engine.committee, node.network, key.sign_recoverable, Random(int(slot)))  # noqa: S311 - a traitor needs no secrets
    adversary = kind(means)

    def seat_of(link: int) -> int | None:
        key = service.links.key_of(link)
        return None if key is None else node.engine.committee.slot_of(key)

    def link_of(seat: int) -> int | None:
        return service.links.slot_of(node.engine.committee.node_keys[seat])

    links = TurnedLinks(service.links, adversary, service.runtime.on_frame, seat_of, link_of)
    service.links._on_message = links.on_frame  # noqa: SLF001 - a traitor owns its process
    service.runtime.attach(links, service.intake)  # type: ignore[arg-type]  # as links, but for the traitor
    service.runtime.node = TurnedNode(node, adversary)  # type: ignore[assignment]  # and as the node
    return adversary


async def _serve(
    configuration: Configuration, kind: type[Adversary], on_ready: Callable[[str, int], None]
) -> None:
    running = asyncio.current_task()
    if running is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    password = keystore.read_password(configuration.password_file)
    light = configuration.allow_light_keys
    key = keystore.load(configuration.node_key, password, KeyKind.NODE, allow_light=light)
    async with opened(configuration) as service:
        adversary = turn(service, kind, coincurve.PrivateKey(key.secret))
        try:
            await service.run(on_ready)
        finally:
            _log.warning("the traitor's deeds: %s", dict(sorted(adversary.acts.items())))


def main() -> int:
    """Run until told to stop; exit code 0, or 2 for a configuration that is faulty."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.traitor", description=__doc__)
    parser.add_argument("name", choices=sorted(KINDS), metavar="NAME", help=", ".join(sorted(KINDS)))
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()

    def ready(host: str, port: int) -> None:
        print(json.dumps({"ready": True, "api": f"http://{host}:{port}"}), flush=True)

    try:
        configuration = config.load(options.config)
        logs.set_up(form="json" if configuration.log_json else "auto")
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_serve(configuration, KINDS[options.name], ready))
    except ConfigurationFaulty as cause:
        sys.stderr.write(f"traitor: {cause}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
