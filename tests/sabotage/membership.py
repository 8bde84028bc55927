"""Sabotages of a change of the committee: K1 to K4, U2 in the node."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_MEMBERSHIP: Final = "oracle/membership.py"
_ACCEPTANCE: Final = "oracle/acceptance.py"
_KEYGEN: Final = "oracle/keygen.py"
_SECRETS: Final = "oracle/keys/ceremony.py"
_UNIT: Final = (
    "tests/unit/oracle/test_keygen.py",
    "tests/unit/oracle/test_acceptance.py",
    "tests/scenarios/test_membership.py",
)
_SCENARIO: Final = ("tests/scenarios/test_membership.py",)
_BOTH: Final = _UNIT

SABOTAGES: Final = (
    Sabotage(
        "a committee that the chain does not propose is opened a ceremony for",
        "C3",
        _MEMBERSHIP,
        '            if held is None or entry.body.get("committee") != held.ceremony.plan.members.node_keys:\n'
        "                return None  # the chain",
        "            if held is None:\n                return None  # the chain",
        _UNIT,
    ),
    Sabotage(
        "a proposal for any epoch opens a ceremony",
        "C3",
        _MEMBERSHIP,
        "            or proposed.epoch != self.committee.epoch + 1\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "a ceremony is tried again without end",
        "K2",
        _MEMBERSHIP,
        "            or self._attempts.get(proposed.node_keys, 0) >= ATTEMPTS_MAX\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "after a failed resharing it goes on as if it were there",
        "K2",
        _MEMBERSHIP,
        "            self.failure, self.agreed = held.failure, None\n",
        "            self.failure = held.failure\n",
        _UNIT,
    ),
    Sabotage(
        "a failed resharing names nobody to the node",
        "K2",
        _MEMBERSHIP,
        "            self.failure, self.agreed = held.failure, None\n",
        "            self.agreed = None\n",
        _UNIT,
    ),
    Sabotage(
        "every attempt of a resharing has the same session",
        "K1",
        _MEMBERSHIP,
        "        attempt = self._attempts.get(committee.node_keys, 0)\n",
        "        attempt = 0\n",
        _UNIT,
    ),
    Sabotage(
        "a committee that the chain has replaced is put in force",
        "K3",
        _MEMBERSHIP,
        "        if entry.kind == Phase.ACTIVATE.value and held is not self.open:\n"
        "            return None  # the chain proposes another committee by now, and would refuse this one\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "an entry of a phase that is not open is voted for",
        "K2",
        _MEMBERSHIP,
        "        if held is None or held.phase.value != entry.kind:\n            return False\n",
        "        if held is None:\n            return False\n",
        _UNIT,
    ),
    Sabotage(
        "a resharing begins without a quorum of its members",
        "K3",
        _KEYGEN,
        "        if self.resharing and self.phase is Phase.HELLO and self._too_few(said):\n            return False\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "a new committee's first window is another than the next",
        "K3",
        _KEYGEN,
        "            if first_window != next_window:\n                return False\n",
        "            if first_window < 0:\n                return False\n",
        _UNIT,
    ),
    Sabotage(
        "fewer new members than a quorum accept an activation",
        "K3",
        _ACCEPTANCE,
        "        if len(self._votes) < self.committee.quorum:\n",
        "        if len(self._votes) < self.committee.quorum - 1:\n",
        _UNIT,
    ),
    Sabotage(
        "a vote on anything accepts an activation",
        "K3",
        _ACCEPTANCE,
        "        if vote.message != mine or self.certificate is not None:\n",
        "        if vote.message.epoch != mine.epoch or self.certificate is not None:\n",
        _UNIT,
    ),
    Sabotage(
        "a peer's acceptance certificate is believed",
        "K3",
        _ACCEPTANCE,
        "        if bad is None:\n            self.certificate = certificate\n        return bad is None\n",
        "        self.certificate = certificate\n        return bad is None or True\n",
        _UNIT,
    ),
    Sabotage(
        "a certificate of another round accepts an activation",
        "K3",
        _ACCEPTANCE,
        "        if certificate.round != ACCEPTANCE_ROUND:\n            return False\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "old shares are kept after an activation",
        "K4",
        _SECRETS,
        "        for path in (*shares, *seeds):\n",
        "        for path in seeds:\n",
        ("tests/unit/keys/test_ceremony_secrets.py",),
    ),
    Sabotage(
        "the share in force is erased with the old ones",
        "K4",
        _SECRETS,
        'self.directory.glob("share-*.json") if _epoch_of(path) < epoch]',
        'self.directory.glob("share-*.json") if _epoch_of(path) <= epoch]',
        ("tests/unit/keys/test_ceremony_secrets.py",),
    ),
    Sabotage(
        "a node that has left keeps its share in memory",
        "K4",
        "oracle/runtime.py",
        "        async with self._secrets_turn:\n            self._share = None\n",
        "        async with self._secrets_turn:\n",
        ("tests/integration/node/test_membership.py",),
    ),
)
