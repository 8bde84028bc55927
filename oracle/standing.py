"""The running node as the API and the metrics see it (`oracle.api.view.NodeView`).

Reads, and decides nothing but what an operator is told to do about what stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from consensus.model import Committee, Genesis
from oracle.api.view import ChainStanding, IntakeStanding, Problem, Severity
from oracle.conduct import Conduct
from oracle.journey import Travel

if TYPE_CHECKING:
    from oracle.service import Service

STALLED_WINDOWS: Final = 3
"""So many windows may be over and unsettled before the node says that it stands still."""


class Standing:
    """A view of a service; remembers since when a problem is there."""

    def __init__(self, service: Service, now_ms: int) -> None:
        self._service = service
        self._since_ms: dict[str, int] = {}
        self._outbox: dict[str, int] = {}
        self.now_ms = now_ms

    @property
    def genesis(self) -> Genesis:
        """What the network is."""
        return self._service.node.genesis

    @property
    def own_slot(self) -> int | None:
        """This node's slot."""
        return self._service.node.own

    @property
    def committee(self) -> Committee:
        """The committee in force."""
        return self._service.node.engine.committee

    @property
    def committees(self) -> Mapping[int, Committee]:
        """Every committee by epoch."""
        return {int(epoch): one for epoch, one in self._service.node.engine.committees.items()}

    @property
    def group_key(self) -> bytes | None:
        """The group's public key."""
        polynomial = self._service.runtime.public_polynomial
        return None if polynomial is None else polynomial.group_key

    @property
    def head_height(self) -> int:
        """The last decided height."""
        return self._service.node.engine.head[0]

    @property
    def round(self) -> int:
        """The round of the open height."""
        return self._service.node.engine.round

    @property
    def next_window(self) -> int:
        """The window that is settled next."""
        return self._service.node.settlement.next_window

    @property
    def started_at_ms(self) -> int:
        """When the node started."""
        return self._service.started_at_ms

    def travels(self) -> tuple[Travel, ...]:
        """The last windows' ways."""
        return self._service.node.journey.newest()

    def peers_up(self) -> tuple[int, ...]:
        """Members with a link, by slot."""
        links = self._service.links
        slots = (self.committee.slot_of(links.key_of(seat) or b"") for seat in links.up())
        return tuple(sorted(slot for slot in slots if slot is not None))

    def peers_down(self) -> tuple[int, ...]:
        """Members without one, by slot."""
        up = {*self.peers_up(), self.own_slot}
        return tuple(slot for slot in range(self.committee.size) if slot not in up)

    def peer_counters(self) -> Mapping[int, Mapping[str, int]]:
        """What was counted on the links with members, by slot."""
        links = self._service.links
        counted = {
            self.committee.slot_of(links.key_of(seat) or b""): one for seat, one in links.counters().items()
        }
        return {int(slot): one.as_dict() for slot, one in counted.items() if slot is not None}

    def conduct(self) -> Conduct:
        """What members were seen doing that they should not."""
        return self._service.node.conduct

    def chain(self) -> ChainStanding:
        """How the chain looks from here."""
        away = self._service.reporter.chain_away is not None
        return ChainStanding(not away, self._service.chain_height)

    def outbox_counts(self) -> Mapping[str, int]:
        """Transactions by state, as of the last refresh."""
        return self._outbox | {"waiting": self._service.reporter.waiting}

    def intake(self) -> IntakeStanding:
        """What the feeds counted."""
        counters = self._service.intake.counters
        flat = {f"accepted-{name}": number for name, number in counters.accepted.items()}
        flat |= {f"duplicate-{name}": number for name, number in counters.duplicate.items()}
        flat |= {f"{origin}-{reason}": number for (origin, reason), number in counters.rejected.items()}
        problem = self._service.intake.problem
        return IntakeStanding(flat, None if problem is None else problem.value)

    def rejections(self) -> Mapping[str, int]:
        """Readings that were refused, by reason."""
        return dict(self._service.node.rejections)

    def evidence(self) -> Mapping[str, int]:
        """Evidence against members, by kind."""
        return self._service.prosecutor.held

    def evidence_submissions(self) -> Mapping[str, int]:
        """The same, by where it stands on its way to the contract."""
        return self._service.prosecutor.submissions

    async def refresh(self, now_ms: int) -> None:
        """Look at what must be asked for; called every second or so."""
        self.now_ms = now_ms
        self._outbox = {
            state.value: number for state, number in (await self._service.outbox.counts()).items()
        }

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now, and what to do about it."""
        found = [
            Problem(name, severity, self._since_ms.setdefault(name, self.now_ms), what)
            for name, (wrong, severity, what) in self._checks().items()
            if wrong
        ]
        for name in set(self._since_ms) - {problem.name for problem in found}:
            del self._since_ms[name]
        return tuple(found)

    def _checks(self) -> dict[str, tuple[bool, Severity, str]]:
        service, committee = self._service, self.committee
        down = len(self.peers_down())
        mqtt = service.mqtt
        window_s = self.genesis.window_s
        membership = service.node.membership
        behind = self.next_window and (self.now_ms // 1000 - self.next_window) // window_s
        return {
            "journal": (
                service.runtime.problem is not None,
                Severity.CRITICAL,
                "The disk does not take the journal: free space, then look at the log.",
            ),
            "signer": (
                not service.signer.up,
                Severity.CRITICAL,
                "The signer's process is gone and nothing is signed; it is started again. Look at the log.",
            ),
            "twin": (
                service.runtime.claims.twin or service.runtime.claims.contested,
                Severity.CRITICAL,
                "Another process has this key, or this is an old copy: nothing is signed. Stop the other.",
            ),
            "records": (
                service.intake.problem is not None,
                Severity.CRITICAL,
                "Records cannot be stored, and are not acknowledged: free space or mend the disk.",
            ),
            "quorum": (
                committee.size - down < committee.quorum,
                Severity.CRITICAL,
                "Too few members are linked for a quorum: look at the peers that are down.",
            ),
            "peers": (
                0 < down <= committee.size - committee.quorum,
                Severity.WARNING,
                "Some members are not linked; attestation goes on. Ask their operators.",
            ),
            "chain": (
                service.reporter.chain_away is not None,
                Severity.WARNING,
                "The chain does not answer; entries wait and go out when it is back. Check endpoints.",
            ),
            "broker": (
                mqtt is not None and mqtt.health.connected_since_s is None,
                Severity.WARNING,
                "No connection to the MQTT broker; it keeps our session. Check host, port and password.",
            ),
            "behind": (
                bool(behind and behind > STALLED_WINDOWS),
                Severity.WARNING,
                "Windows are over and not settled: see /v1/journey for where the oldest stands.",
            ),
            "not-a-member": (
                self.own_slot is None,
                Severity.WARNING,
                "This node's key is not in the committee: it follows the log and does not vote.",
            ),
            "ceremony-failed": (
                membership is not None and membership.failure is not None,
                Severity.WARNING,
                "A resharing failed and the committee stays; the log says who did what. It is tried again.",
            ),
            "epoch-not-on-chain": (
                bool(service.chain_epoch) and committee.epoch > max(service.chain_epoch, 1),
                Severity.NOTICE,
                "The log has a newer committee than the chain, whose windows wait for its activation.",
            ),
            "misbehaviour": (
                bool(service.prosecutor.held),
                Severity.NOTICE,
                "A member broke the rules: `wattest evidence list` has the proof. Read the docs' Evidence.",
            ),
            "evidence-refused": (
                bool(service.prosecutor.submissions.get("refused")),
                Severity.WARNING,
                "Evidence did not reach its end on chain; `wattest evidence list` says why.",
            ),
            "no-key": (
                self.group_key is None,
                Severity.NOTICE,
                "The key ceremony is not complete: it needs every member, or a quorum and some time.",
            ),
        }
