"""Sabotages of the key ceremony: K1 to K4."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_RULES: Final = "consensus/dkg/rules.py"
_CEREMONY: Final = "consensus/dkg/ceremony.py"
_BUNDLE: Final = "consensus/dkg/bundle.py"
_PARTICIPANT: Final = "consensus/dkg/participant.py"
_POLYNOMIAL: Final = "consensus/dkg/polynomial.py"
_KEYGEN: Final = "oracle/keygen.py"
_UNIT: Final = ("tests/unit/dkg",)
_BUNDLES: Final = ("tests/unit/dkg/test_dkg_bundles.py", "tests/unit/dkg/test_dkg_genesis.py")
_GENESIS: Final = ("tests/unit/dkg/test_dkg_genesis.py",)
_RESHARING: Final = ("tests/unit/dkg/test_dkg_resharing.py",)
_LOG: Final = ("tests/unit/oracle/test_keygen.py", "tests/scenarios/test_ceremony.py")

SABOTAGES: Final = (
    Sabotage(
        "a dealer need not possess its constant",
        "K1",
        _RULES,
        "    if not possession_holds(constant, deal.possession, plan.session, deal.slot):  # K1\n"
        "        return FaultReason.BAD_POSSESSION\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "a proof of possession holds in any session",
        "K1",
        _POLYNOMIAL,
        'return encode({"topic": "possession", "session": session, "slot": slot, "constant": constant})',
        'return encode({"topic": "possession", "session": bytes(32), "slot": slot, "constant": constant})',
        _UNIT,
    ),
    Sabotage(
        "a proof of possession holds for any dealer",
        "K1",
        _POLYNOMIAL,
        'return encode({"topic": "possession", "session": session, "slot": slot, "constant": constant})',
        'return encode({"topic": "possession", "session": session, "slot": 0, "constant": constant})',
        _UNIT,
    ),
    Sabotage(
        "a proof of possession is a signature as any other",
        "K1",
        "consensus/threshold/scheme.py",
        'POSSESSION_DST: Final = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"',
        "POSSESSION_DST: Final = SIGNATURE_DST",
        _UNIT,
    ),
    Sabotage(
        "a share is not compared with the commitments",
        "K1",
        _PARTICIPANT,
        "        if opened is None or not share_fits(deal.commitments, member, opened):\n",
        "        if opened is None:\n",
        _UNIT,
    ),
    Sabotage(
        "a bundle of another session counts",
        "K1",
        _CEREMONY,
        "            if is_foreign(bundle.payload, _TOPIC[phase], self.plan.session, bundle.slot):\n"
        '                return Rejected(JudgeReason.FOREIGN, f"slot {bundle.slot}")\n',
        "",
        _BUNDLES,
    ),
    Sabotage(
        "a dealer deals too few commitments and lowers the threshold",
        "K1",
        _BUNDLE,
        "            if len(commitments) != plan.threshold or len(shares) != plan.members.size:\n",
        "            if len(shares) != plan.members.size:\n",
        _BUNDLES,
    ),
    Sabotage(
        "fields that nobody knows pass in a bundle",
        "K1",
        _BUNDLE,
        "    if encode(typed.payload(plan.session)) == encode(payload):\n        return typed\n",
        "    if typed.payload(plan.session).keys() <= payload.keys():\n        return typed\n",
        _BUNDLES,
    ),
    Sabotage(
        "two bundles of one member count as one",
        "K1",
        _CEREMONY,
        "    if len(payloads) > 1:\n        return FaultReason.TWO_BUNDLES\n",
        "",
        _BUNDLES,
    ),
    Sabotage(
        "points of a deal are not checked",
        "K1",
        _RULES,
        "    if any(FAST.decode_g2(point) is None for point in deal.commitments):  # T3\n"
        "        return FaultReason.BAD_POINT\n",
        "",
        _BUNDLES,
    ),
    Sabotage(
        "shares are sealed to a key that everybody can open",
        "K1",
        _RULES,
        "    return None if is_usable(hello.box_key) else FaultReason.WEAK_KEY\n",
        "    return None if hello.box_key else FaultReason.WEAK_KEY\n",
        _BUNDLES,
    ),
    Sabotage(
        "a dealer may leave a member without a share",
        "K1",
        _RULES,
        "    if any((slot in present) != bool(sealed) for slot, sealed in enumerate(deal.sealed)):\n"
        "        return FaultReason.WRONG_RECIPIENTS\n",
        "",
        _BUNDLES,
    ),
    Sabotage(
        "nobody's signature on a bundle is verified",
        "K1",
        _KEYGEN,
        "            if key is None or recover(encode(envelope.payload), envelope.signature) != key:\n",
        "            if key is None:\n",
        _LOG,
    ),
    Sabotage(
        "a proposer leaves a member out of a ceremony at once",
        "K1",
        _KEYGEN,
        "        if not said >= set(self.ceremony.expected) and not self.overdue:\n            return False\n",
        "",
        _LOG,
    ),
    Sabotage(
        "the attachment is not the one the entry names",
        "K1",
        _KEYGEN,
        '            "attachment": hashlib.sha256(attachment).digest(),\n',
        '            "attachment": bytes(32),\n',
        _LOG,
    ),
    Sabotage(
        "the group key of an activation is believed",
        "K1",
        _KEYGEN,
        "        return encode(entry.body) == encode(self._body(attachment, first_window))\n",
        '        return entry.body.get("attachment") == self._body(attachment, first_window)["attachment"]\n',
        _LOG,
    ),
    Sabotage(
        "one complaint puts a dealer out",
        "K2",
        _CEREMONY,
        "        if len(complainers) > ceremony.plan.members.faults:  # an honest one among them\n",
        "        if complainers:\n",
        _GENESIS,
    ),
    Sabotage(
        "a dealer that all accuse stays",
        "K2",
        _CEREMONY,
        "        if len(complainers) > ceremony.plan.members.faults:  # an honest one among them\n",
        "        if len(complainers) > ceremony.plan.members.size:\n",
        _GENESIS,
    ),
    Sabotage(
        "a complaint that is left unanswered has no consequence",
        "K2",
        _RULES,
        "    if [member for member, _ in answer.shares] != list(complainers):\n"
        "        return FaultReason.UNANSWERED\n",
        "",
        _GENESIS,
    ),
    Sabotage(
        "a false share shown in the open passes",
        "K2",
        _RULES,
        "    if all(share_fits(commitments, member, share) for member, share in answer.shares):\n",
        "    if commitments:\n",
        _GENESIS,
    ),
    Sabotage(
        "who was absent is not named",
        "K2",
        _CEREMONY,
        "        if isinstance(found, FaultReason):\n            faults.append(Fault(role, slot, phase, found))\n",
        "        if isinstance(found, FaultReason):\n            if found is not FaultReason.ABSENT:\n"
        "                faults.append(Fault(role, slot, phase, found))\n",
        _GENESIS,
    ),
    Sabotage(
        "a failed ceremony names nobody",
        "K2",
        _CEREMONY,
        "return replace(ceremony, status=Failed(reason, ceremony.faults))",
        "return replace(ceremony, status=Failed(reason, ()))",
        _GENESIS,
    ),
    Sabotage(
        "f+1 deals make a key",
        "K2",
        _CEREMONY,
        "    if len(left) < ceremony.plan.dealers.quorum:\n",
        "    if len(left) <= ceremony.plan.dealers.faults:\n",
        _GENESIS,
    ),
    Sabotage(
        "a failed ceremony is tried again under the same session",
        "K2",
        _KEYGEN,
        "self.ceremony = Ceremony(replace(plan, attempt=plan.attempt + 1))",
        "self.ceremony = Ceremony(plan)",
        _LOG,
    ),
    Sabotage(
        "the dealt shares of a dealer that is out count",
        "K2",
        _CEREMONY,
        "    left = [deal.slot for deal in ceremony.deals if deal.slot not in out]\n",
        "    left = [deal.slot for deal in ceremony.deals]\n",
        _GENESIS,
    ),
    Sabotage(
        "a restart forgets what was agreed of a ceremony",
        "K2",
        _CEREMONY,
        "        for item in history:\n            match item:",
        "        for item in history[:-1]:\n            match item:",
        _UNIT,
    ),
    Sabotage(
        "a restarted dealer deals another polynomial",
        "K2",
        "oracle/keys/ceremony.py",
        "        if path.exists():\n"
        "            return keystore.load(path, self.password, KeyKind.TLS, allow_light=self.cost.light).secret\n"
        "        seed =",
        "        path.unlink(missing_ok=True)\n        seed =",
        ("tests/scenarios/test_ceremony.py", "tests/unit/keys", "tests/integration/node/test_runtime.py"),
    ),
    Sabotage(
        "a key is in force before a quorum has shown its shares",
        "K3",
        _CEREMONY,
        "    if len(good) < ceremony.plan.members.quorum:\n        return _fail(after, FailureReason.TOO_FEW_CONFIRM",
        "    if len(good) < 1:\n        return _fail(after, FailureReason.TOO_FEW_CONFIRM",
        _UNIT,
    ),
    Sabotage(
        "a confirmation is not verified",
        "K3",
        _RULES,
        "    if verify_partial(outcome.polynomial, item.slot, outcome.activation, item.partial):\n",
        "    if item.partial:\n",
        _UNIT,
    ),
    Sabotage(
        "a confirmation of another outcome counts",
        "K3",
        _RULES,
        "    if item.transcript != outcome.transcript:\n        return FaultReason.WRONG_TRANSCRIPT\n",
        "",
        _UNIT,
    ),
    Sabotage(
        "a dealer reshares another secret than its share",
        "K3",
        _RULES,
        "    if plan.previous is not None and constant != plan.previous.public_share(deal.slot):  # K3\n"
        "        return FaultReason.WRONG_CONSTANT\n",
        "",
        _RESHARING,
    ),
    Sabotage(
        "a resharing weighs all deals alike",
        "K3",
        _RULES,
        "return tuple(1 for _ in dealers) if plan.kind is Kind.GENESIS else lagrange_at_zero(dealers)",
        "return tuple(1 for _ in dealers)",
        _RESHARING,
    ),
    Sabotage(
        "a resharing takes another number of dealers than t",
        "K3",
        _RULES,
        "return ordered if plan.kind is Kind.GENESIS else ordered[: plan.dealers.quorum]",
        "return ordered if plan.kind is Kind.GENESIS else ordered[: plan.dealers.quorum - 1]",
        _RESHARING,
    ),
    Sabotage(
        "the seed of a ceremony stays on the disk",
        "K4",
        "oracle/keys/ceremony.py",
        "        for path in (*shares, *seeds):\n",
        "        for path in shares:\n",
        ("tests/unit/keys", "tests/integration/node"),
    ),
    Sabotage(
        "the seed is erased before the share is stored",
        "K4",
        "oracle/runtime.py",
        "                made = await asyncio.to_thread(self._secrets.share, ceremony)\n                # K4: the activation is in the history, and the new share, if there is one, on disk.\n                await asyncio.to_thread(self._secrets.erase_before, epoch)\n",
        "                await asyncio.to_thread(self._secrets.erase_before, epoch)\n                made = await asyncio.to_thread(self._secrets.share, ceremony)\n",
        ("tests/integration/node",),
    ),
    Sabotage(
        "a share is printed with its secret",
        "K4",
        "consensus/threshold/shares.py",
        "    scalar: int = field(repr=False)\n",
        "    scalar: int = field()\n",
        ("tests/unit/threshold/test_threshold_shares.py",),
    ),
)
