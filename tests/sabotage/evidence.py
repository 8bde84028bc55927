"""Sabotages of evidence and of catching up: E1 to E6, U1, U2; where a node or an auditor keeps them."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_APPLYING: Final = "oracle/duties/applying.py"
_CHRONICLE: Final = "oracle/chronicle.py"
_FETCHING: Final = "oracle/duties/fetching.py"
_TALLY: Final = "consensus/agreement/tally.py"
_ENGINE: Final = "consensus/agreement/engine.py"
_ENVELOPE: Final = "consensus/envelope.py"
_NODE: Final = "oracle/node.py"
_TREES: Final = "oracle/audit/trees.py"
_SOURCES: Final = "oracle/audit/sources.py"
_AGREEMENT: Final = ("tests/scenarios/test_agreement.py",)
_AUDIT: Final = ("tests/unit/audit/test_audit_steps.py",)
_CATCH_UP: Final = ("tests/scenarios/test_catch_up.py",)

SABOTAGES: Final = (
    Sabotage(
        "two votes of one member are not noticed",
        "E1",
        _TALLY,
        "            return DoubleVote.of(known, vote)\n        return False\n",
        "            return False\n        return False\n",
        _AGREEMENT,
    ),
    Sabotage(
        "a vote that comes twice is called two votes",
        "E1",
        _TALLY,
        "        if known.message.digest != message.digest:\n",
        "        if known.signature == vote.signature or known.message.digest != message.digest:\n",
        _AGREEMENT,
    ),
    Sabotage(
        "votes of different rounds are called two votes",
        "E1",
        _TALLY,
        "votes = self._votes.setdefault((message.round, message.phase), {})",
        "votes = self._votes.setdefault((Round(0), message.phase), {})",
        _AGREEMENT,
    ),
    Sabotage(
        "a prevote and a commit are called two votes",
        "E1",
        _TALLY,
        "votes = self._votes.setdefault((message.round, message.phase), {})",
        "votes = self._votes.setdefault((message.round, Phase.COMMIT), {})",
        _AGREEMENT,
    ),
    Sabotage(
        "the proof of two votes is not kept",
        "E1",
        _NODE,
        "        self._context.write(chronicle.double_vote(self.genesis, committees, proof))\n",
        "",
        ("tests/scenarios/test_evidence.py",),
    ),
    Sabotage(
        "the proof of two votes holds one of them twice",
        "E1",
        _CHRONICLE,
        '        "second": {"payload": second.payload, "signature": second.signature},\n',
        '        "second": {"payload": first.payload, "signature": first.signature},\n',
        ("tests/scenarios/test_evidence.py",),
    ),
    Sabotage(
        "the auditor believes the registers of a leaf",
        "E2",
        _SOURCES,
        "    return leaf.record == row.record and _registers_match(case, leaf, sample)\n",
        "    return leaf.record == row.record\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor does not verify what a meter signed",
        "E2",
        _SOURCES,
        "            elif not meter_signed(case, closing.ocmf, proven.device):\n",
        "            elif closing.ocmf is None:\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor does not verify what a gateway signed",
        "E2",
        _SOURCES,
        "    if not case.backend.verify_secp256r1(batch.digest, batch.signature, proven.device.key):\n",
        "    if not batch.signature:\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor takes a median of too few",
        "E2",
        _SOURCES,
        "        if len(seen_rows) < needed:\n",
        "        if not seen_rows:\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor believes the energy of a leaf",
        "E3",
        _TREES,
        "        if after - before == energy_wh:\n            continue\n",
        "        if energy_wh >= 0:\n            continue\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor calls any fall a rollover",
        "E3",
        _TREES,
        "rolled = any(before < end and before + energy_wh - end == after for end in ROLLOVERS_WH)",
        "rolled = any(before < end for end in ROLLOVERS_WH)",
        _AUDIT,
    ),
    Sabotage(
        "the auditor does not add up",
        "E3",
        _TREES,
        "    if (claimed.import_wh, claimed.export_wh) != sums:\n",
        "    if claimed.import_wh < 0:\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor passes over the export",
        "E3",
        _TREES,
        "    if (claimed.import_wh, claimed.export_wh) != sums:\n",
        "    if claimed.import_wh != sums[0]:\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor lets a first leaf have energy",
        "E3",
        _TREES,
        "            if leaf.import_wh or leaf.export_wh:\n",
        "            if leaf.import_wh and leaf.export_wh:\n",
        _AUDIT,
    ),
    Sabotage(
        "the auditor does not prove the leaf that energy is counted from",
        "E3",
        _TREES,
        "            if not proves(item.hash, proof, summary.root):\n",
        "            if not item.hash:\n",
        _AUDIT,
    ),
    Sabotage(
        "an entry that does not follow the head is taken over",
        "U1",
        _ENGINE,
        "if decided.entry.height == self.height and decided.entry.previous == self._head[1]:",
        "if decided.entry.height == self.height:",
        _AGREEMENT,
    ),
    Sabotage(
        "entries are taken over in any order",
        "U1",
        _ENGINE,
        "if decided.entry.height == self.height and decided.entry.previous == self._head[1]:",
        "if decided.entry.height >= self.height:",
        _AGREEMENT,
    ),
    Sabotage(
        "an entry is taken over without its certificate's being verified",
        "U1",
        "consensus/agreement/wire.py",
        "        bad = check_decided(one, network, committees)\n",
        "        bad = check_decided(one, network, committees) if False else None\n",
        ("tests/scenarios/test_agreement.py", "tests/scenarios/test_catch_up.py", "tests/unit/consensus"),
    ),
    Sabotage(
        "a proposal that does not follow the head is taken",
        "U1",
        _ENGINE,
        "if proposal.epoch != self._committee.epoch or frame.entry.previous != self._head[1]:",
        "if proposal.epoch != self._committee.epoch:",
        _AGREEMENT,
    ),
    Sabotage(
        "a peer that is ahead is asked again and again",
        "U1",
        _ENGINE,
        "        if not self._asked_entries and via != self.own:\n",
        "        if via != self.own:\n",
        _AGREEMENT,
    ),
    Sabotage(
        "leaves that a peer hands over are believed",
        "U1",
        "oracle/windows/window_data.py",
        "return found if found.summary == attested else Rejected(Misfit.NOT_AS_ATTESTED)",
        "return found",
        _CATCH_UP,
    ),
    Sabotage(
        "a registry that a peer hands over is believed",
        "U1",
        _APPLYING,
        'if not isinstance(devices, Rejected) and root_of(devices) == entry.body.get("registry"):',
        "if not isinstance(devices, Rejected):",
        _CATCH_UP,
    ),
    Sabotage(
        "observations that a peer hands over are believed",
        "U1",
        _FETCHING,
        "if not isinstance(known, Rejected) and self.settlement.observations_match(attachment, known):",
        "if not isinstance(known, Rejected):",
        _CATCH_UP,
    ),
    Sabotage(
        "a node that was away skips windows it has no leaves of",
        "U1",
        _APPLYING,
        "                if data is None:\n"
        "                    self.fetching.want(entry.height, WINDOW)\n"
        "                    return\n",
        "                if data is None:\n"
        "                    unapplied.popleft()\n"
        "                    continue\n",
        _CATCH_UP,
    ),
    Sabotage(
        "an attested state of another registry is read",
        "U1",
        "oracle/windows/attested.py",
        "            if reader.octets(_HASH_BYTES).tobytes() != registry.root:\n"
        "                return Rejected(Misfit.OTHER_REGISTRY)\n",
        "            reader.octets(_HASH_BYTES)\n",
        ("tests/unit/windows/test_windows_attested.py",),
    ),
    Sabotage(
        "a snapshot begins at the window it was made of",
        "U1",
        _APPLYING,
        '            WindowStart(Fields(entry.body).uint("window") + self.context.genesis.window_s)\n',
        '            WindowStart(Fields(entry.body).uint("window"))\n',
        _CATCH_UP,
    ),
    Sabotage(
        "a node outside the committee asks for votes to be signed",
        "U2",
        _ENGINE,
        "        if self.own is None:\n            return\n        vote = Vote(",
        "        vote = Vote(",
        _AGREEMENT,
    ),
    Sabotage(
        "a node outside the committee proposes",
        "U2",
        "consensus/agreement/rules.py",
        "        if self.own is not None and self.tally.committee.proposer(self.previous, round_) == self.own:\n",
        "        if self.tally.committee.proposer(self.previous, round_) == (self.own or 0):\n",
        _AGREEMENT,
    ),
    Sabotage(
        "a committee changes amid a height",
        "U2",
        _ENGINE,
        '        check(not self._rules.started, "a committee changes between heights")\n',
        "",
        _AGREEMENT,
    ),
    Sabotage(
        "a new committee's height keeps the old one's votes",
        "U2",
        _ENGINE,
        "        self._committee = committee\n        self._open_height()\n\n    def _open_height",
        "        self._committee = committee\n\n    def _open_height",
        _AGREEMENT,
    ),
)
