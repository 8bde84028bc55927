"""Sabotages of the group's signature: T1 to T3."""

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_JUDGING: Final = "oracle/duties/judging.py"
_SIGNATURE: Final = "oracle/duties/signature.py"
_SHARES: Final = "consensus/threshold/shares.py"
_BLS: Final = "consensus/threshold/bls.py"
_SCHEME: Final = "consensus/threshold/scheme.py"
_ATTEST: Final = "oracle/attest.py"
_UNIT: Final = ("tests/unit/threshold",)
_MADE: Final = ("tests/unit/threshold/test_threshold_shares.py",)
_ATTESTING: Final = ("tests/unit/oracle/test_attest.py", "tests/scenarios/test_threshold.py")

SABOTAGES: Final = (
    Sabotage(
        "a share is made over what is only proposed",
        "T1",
        _JUDGING,
        "        self.pending[ask.entry.digest] = ask\n",
        "        self.pending[ask.entry.digest] = ask\n"
        "        from consensus.step import Signing\n"
        "\n"
        '        self.context.sign(Signing("share", ask.entry.digest, ask.entry.height))\n',
        _ATTESTING,
    ),
    Sabotage(
        "shares over another digest are combined",
        "T1",
        _ATTEST,
        "good = sorted(slot for slot, digest in pending.shares if digest == pending.digest)",
        "good = sorted({slot for slot, _ in pending.shares})",
        _ATTESTING,
    ),
    Sabotage(
        "shares are combined before the entry is decided",
        "T1",
        _ATTEST,
        "        if pending.digest is None or pending.done or pending.combining:\n            return None\n",
        "        if pending.done or pending.combining:\n            return None\n"
        "        if pending.digest is None and pending.shares:\n"
        "            pending.digest = next(iter(pending.shares))[1]\n"
        "        if pending.digest is None:\n            return None\n",
        _ATTESTING,
    ),
    Sabotage(
        "an entry's digest holds its epoch's session",
        "T1",
        "consensus/messages.py",
        "        return Digest(digest(self.value()))\n",
        '        return Digest(digest({**self.value(), "topic": "entry"}))\n',
        ("tests/unit/consensus", "tests/unit/audit/test_audit_against_node.py", "tests/unit/audit"),
    ),
    Sabotage(
        "a share may be over anything",
        "T1",
        _SHARES,
        '        check(len(message) == MESSAGE_BYTES, "a partial signature is on a digest")\n',
        "",
        _UNIT,
    ),
    Sabotage(
        "one share fewer makes a signature",
        "T1",
        _ATTEST,
        "        if len(good) < self.threshold:\n",
        "        if len(good) < self.threshold - 1:\n",
        _ATTESTING,
    ),
    Sabotage(
        "what is combined is not verified",
        "T2",
        _SHARES,
        "        if bls.verify(polynomial.group_key, message, signature):\n            return Combined",
        "        if signature:\n            return Combined",
        _MADE,
    ),
    Sabotage(
        "the maker of a bad share is not named",
        "T2",
        _SHARES,
        "    return Combined(signature, culprits)\n",
        "    return Combined(signature)\n",
        _MADE,
    ),
    Sabotage(
        "of too few good shares nobody is named",
        "T2",
        _SHARES,
        "return BadShares(culprits, needed - len(good))",
        "return BadShares((), needed - len(good))",
        _MADE,
    ),
    Sabotage(
        "an honest member is blamed for a bad share",
        "T2",
        _SHARES,
        "    culprits = _without(partials, good)\n",
        "    culprits = _without(partials, good) or tuple(sorted(partials))[:1]\n",
        _MADE,
    ),
    Sabotage(
        "a share that cannot be read has no maker",
        "T2",
        _SHARES,
        "return Combined(signature, _without(partials, readable))",
        "return Combined(signature)",
        _MADE,
    ),
    Sabotage(
        "a bad share is tried again for ever",
        "T2",
        _ATTEST,
        "        for key in [key for key in pending.shares if key[0] in pending.bad]:\n"
        "            del pending.shares[key]\n",
        "",
        _ATTESTING,
    ),
    Sabotage(
        "the maker of a bad share is heard again",
        "T2",
        _ATTEST,
        "        if pending.done or slot in pending.bad:\n",
        "        if pending.done:\n",
        _ATTESTING,
    ),
    Sabotage(
        "bad shares are not noted",
        "T2",
        _SIGNATURE,
        '        self.context.note("bad-shares", bad.height, ", ".join(map(str, bad.culprits)))\n',
        "",
        _ATTESTING,
    ),
    Sabotage(
        "a share that was lost is not said again",
        "T2",
        _SIGNATURE,
        "            if share is not None:\n"
        "                self.context.send([Outgoing(frames.share_frame(share))])\n",
        "",
        _ATTESTING,
    ),
    Sabotage(
        "a point at infinity is a point",
        "T3",
        _SCHEME,
        "if len(data) != size or not data[0] & _COMPRESSED or data[0] & _INFINITY:",
        "if len(data) != size or not data[0] & _COMPRESSED:",
        _UNIT,
    ),
    Sabotage(
        "a coordinate beyond the field is read",
        "T3",
        _SCHEME,
        'return int.from_bytes(first, "big") < FIELD and int.from_bytes(rest, "big") < FIELD',
        "return bool(first) and len(rest) >= 0",
        _UNIT,
    ),
    Sabotage(
        "the subgroup of signatures is not checked",
        "T3",
        _BLS,
        "            return G1Point.from_compressed_bytes(data)\n",
        "            return G1Point.from_compressed_bytes_unchecked(data)\n",
        _UNIT,
    ),
    Sabotage(
        "the subgroup of keys is not checked",
        "T3",
        _BLS,
        "        return G2Point.from_compressed_bytes(data)\n",
        "        return G2Point.from_compressed_bytes_unchecked(data)\n",
        _UNIT,
    ),
    Sabotage(
        "the second library does not check the subgroup",
        "T3",
        "consensus/threshold/reference.py",
        "    return point if _ecc().subgroup_check(point) else None\n",
        "    return point\n",
        _UNIT,
    ),
    Sabotage(
        "lists of unequal length are added up",
        "T3",
        _BLS,
        'check(points == len(scalars) > 0, "a sum has as many scalars as points, and at least one")',
        'check(points >= 0, "a sum has as many scalars as points, and at least one")',
        _UNIT,
    ),
    Sabotage(
        "the points of a public polynomial are not checked",
        "T3",
        _SHARES,
        "        if FAST.decode_g2(point) is None:\n            return Rejected(PolynomialReason.BAD_POINT",
        "        if not point:\n            return Rejected(PolynomialReason.BAD_POINT",
        _UNIT,
    ),
    Sabotage(
        "a share of zero is a share",
        "T3",
        _SHARES,
        "return number if len(data) == SCALAR_BYTES and 0 < number < ORDER else None",
        "return number if len(data) == SCALAR_BYTES and number < ORDER else None",
        ("tests/unit/threshold", "tests/unit/dkg/test_dkg_bundles.py"),
    ),
    Sabotage(
        "a peer's group signature is believed",
        "T3",
        "oracle/runtime.py",
        "        if await asyncio.to_thread(verify, polynomial.group_key, digest, part.data):\n",
        "        if len(part.data) == SIGNATURE_BYTES:\n",
        ("tests/integration/node/test_runtime.py",),
    ),
)
