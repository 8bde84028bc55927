"""Sabotages of agreement: A1 to A6, in the library."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_RULES: Final = "consensus/agreement/rules.py"
_TALLY: Final = "consensus/agreement/tally.py"
_ENGINE: Final = "consensus/agreement/engine.py"
_ENVELOPE: Final = "consensus/envelope.py"
_SCENARIO: Final = "tests/scenarios/test_agreement.py"
_BOTH: Final = (_SCENARIO, "tests/unit/consensus/test_envelope.py")

SABOTAGES: Final = (
    Sabotage(
        "whoever proposes is believed, in turn or not",
        "A1",
        _ENVELOPE,
        "    if committee.proposer(frame.entry.previous, proposal.round) != frame.proposal.sender:\n"
        "        return Rejected(MessageReason.NOT_PROPOSER)  # A1\n",
        "",
        (f"{_SCENARIO}::test_a1_a_proposal_out_of_turn_is_refused_by_name",),
    ),
    Sabotage(
        "the same member proposes in every round",
        "A1",
        "consensus/model.py",
        'return NodeId((int.from_bytes(previous[:8], "big") + round_) % self.size)',
        'return NodeId(int.from_bytes(previous[:8], "big") % self.size)',
        ("tests/unit/consensus/test_model.py::test_every_member_proposes_in_turn",),
    ),
    Sabotage(
        "the rotation begins with the same member at every height",
        "A1",
        "consensus/model.py",
        'return NodeId((int.from_bytes(previous[:8], "big") + round_) % self.size)',
        "return NodeId(round_ % self.size)",
        ("tests/unit/consensus/test_model.py",),
    ),
    Sabotage(
        "a value found invalid is prevoted",
        "A3",
        _RULES,
        "return self._prevote(seen.digest if valid and free else None)",
        "return self._prevote(seen.digest if free else None)",
        (f"{_SCENARIO}::test_a3_a_value_found_invalid_gets_a_prevote_for_nothing",),
    ),
    Sabotage(
        "a node prevotes before it has checked",
        "A3",
        _RULES,
        "        if valid is None:\n            return []\n",
        "        if valid is None:\n            valid = True\n",
        (f"{_SCENARIO}::test_a3_a_value_found_invalid_gets_a_prevote_for_nothing",),
    ),
    Sabotage(
        "a node speaks about a height that is not due",
        "A3",
        _RULES,
        "fired = self._decide() or (self.started and self._advance())",
        "fired = self._decide() or self._advance()",
        (f"{_SCENARIO}::test_a3_nothing_is_said_about_a_height_that_is_not_due",),
    ),
    Sabotage(
        "a re-proposal needs no justification",
        "A4",
        _ENVELOPE,
        '    if justification is None or justification.round != proposal.valid_round:\n        return Rejected(MessageReason.NO_QUORUM, "re-proposal without its justification")\n',
        "",
        (f"{_SCENARIO}::test_a4_a_re_proposal_without_its_justification_is_refused",),
    ),
    Sabotage(
        "a justification of any round will do",
        "A4",
        _ENVELOPE,
        "    if justification is None or justification.round != proposal.valid_round:\n",
        "    if justification is None:\n",
        _BOTH,
    ),
    Sabotage(
        "commits justify a re-proposal as prevotes do",
        "A4",
        _ENVELOPE,
        "frame.justification, Phase.PREVOTE, proposal.height",
        "frame.justification, Phase.COMMIT, proposal.height",
        _BOTH,
    ),
    Sabotage(
        "a justified re-proposal frees any lock, of a later round too",
        "A4",
        _RULES,
        "free = self.locked is None or self.locked[0] <= seen.valid_round or self.locked[1] == seen.digest",
        "free = True",
        _BOTH,
    ),
    Sabotage(
        "a justified re-proposal frees no lock",
        "A4",
        _RULES,
        "free = self.locked is None or self.locked[0] <= seen.valid_round or self.locked[1] == seen.digest",
        "free = self.locked is None or self.locked[1] == seen.digest",
        (f"{_SCENARIO}::test_a4_a_justified_re_proposal_frees_a_node_locked_in_an_earlier_round",),
    ),
    Sabotage(
        "a re-proposal names a round that is its own or later",
        "A4",
        "consensus/messages.py",
        "if proposal.valid_round is not None and proposal.valid_round >= proposal.round:",
        "if proposal.valid_round is not None and proposal.valid_round > proposal.round:",
        _BOTH,
    ),
    Sabotage(
        "a proposer proposes anew although it knows a valid value",
        "A4",
        _RULES,
        "valid_round, digest = self.valid or (None, None)",
        "valid_round, digest = self.locked or (None, None)",
        _BOTH,
    ),
    Sabotage(
        "a proposer forgets what it knows to be valid",
        "A5",
        _RULES,
        "valid_round, digest = self.valid or (None, None)",
        "valid_round, digest = None, None",
        _BOTH,
    ),
    Sabotage(
        "no node ever locks",
        "A5",
        _RULES,
        "                self.locked = (now, polka)  # A5\n",
        "",
        (f"{_SCENARIO}::test_a5_a_locked_node_refuses_another_value",),
    ),
    Sabotage(
        "a locked node prevotes another value",
        "A5",
        _RULES,
        "        free = self.locked is None or self.locked[1] == seen.digest\n"
        "        return self._prevote(seen.digest if valid and free else None)",
        "        return self._prevote(seen.digest if valid else None)",
        (f"{_SCENARIO}::test_a5_a_locked_node_refuses_another_value",),
    ),
    Sabotage(
        "a node commits to what it prevoted, quorum or not",
        "A5",
        _TALLY,
        "return next((d for d in sorted(counts) if counts[d] >= self.committee.quorum), None)",
        "return next((d for d in sorted(counts) if counts[d] > self.committee.faults), None)",
        (f"{_SCENARIO}::test_a5_a_node_commits_only_to_what_a_quorum_prevoted",),
    ),
    Sabotage(
        "a node that timed out commits to the value all the same",
        "A5",
        _RULES,
        "            if self.stage is Stage.PREVOTE:\n                self.locked = (now, polka)  # A5\n"
        "                return self._commit(polka)",
        "            self.locked = (now, polka)  # A5\n            return self._commit(polka)",
        _BOTH,
    ),
    Sabotage(
        "time-outs stay as they are in every round",
        "A5",
        _ENGINE,
        "return base + self.growth_ms * min(round_, 60)",
        "return base",
        (f"{_SCENARIO}::test_a5_time_outs_grow_with_the_round",),
    ),
    Sabotage(
        "f members alone take a node to a later round",
        "A5",
        _TALLY,
        "return later[self.committee.faults] if len(later) > self.committee.faults else None",
        "return later[0] if later else None",
        (f"{_SCENARIO}::test_a5_f_plus_one_members_in_a_later_round_take_a_node_along",),
    ),
    Sabotage(
        "nobody follows the others into a later round",
        "A5",
        _RULES,
        "        if later is not None:  # line 55",
        "        if later is not None and later == now + 1:  # line 55",
        (f"{_SCENARIO}::test_a5_f_plus_one_members_in_a_later_round_take_a_node_along",),
    ),
    Sabotage(
        "the lock is not in the journal",
        "A5",
        _ENGINE,
        '        if fresh:\n            self._remember("frame", vote_frame(vote))\n',
        "",
        (f"{_SCENARIO}::test_n1_a_lock_survives_a_crash",),
    ),
    Sabotage(
        "the verdict on a value is not in the journal",
        "A5",
        _ENGINE,
        '            self._remember("checked", encode({"digest": digest, "valid": valid}))\n',
        "",
        _BOTH,
    ),
    Sabotage(
        "a vote does not name its network",
        "A6",
        "consensus/messages.py",
        '            "topic": "vote",\n            "network": network,\n',
        '            "topic": "vote",\n            "network": bytes(32),\n',
        _BOTH,
    ),
    Sabotage(
        "a vote of another network counts",
        "A6",
        _ENVELOPE,
        '        if fields.buff("network", 32) != network:\n'
        "            return Rejected(MessageReason.WRONG_NETWORK)\n",
        '        fields.buff("network", 32)\n',
        _BOTH,
    ),
    Sabotage(
        "a certificate is not asked for a quorum",
        "A6",
        _ENVELOPE,
        "    if len(certificate.signers) < committee.quorum:\n"
        "        return Rejected(MessageReason.NO_QUORUM)\n",
        "",
        _BOTH,
    ),
    Sabotage(
        "a signature counts whichever slot it stands in",
        "A6",
        _ENVELOPE,
        "if recover(payload, signature) != committee.node_keys[sender]:",
        "if recover(payload, signature) not in committee.node_keys:",
        (f"{_SCENARIO}::test_a6_a_signature_counts_for_its_own_slot_only",),
    ),
    Sabotage(
        "the signatures of a certificate are not verified",
        "A6",
        _ENVELOPE,
        "        if bad is not None:\n            return bad\n    return None\n\n\ndef check_decided(",
        "    return None\n\n\ndef check_decided(",
        (f"{_SCENARIO}::test_a6_a_signature_counts_for_its_own_slot_only",),
    ),
    Sabotage(
        "a signature and its twin with high s are both taken",
        "A6",
        _ENVELOPE,
        '    if int.from_bytes(signature[32:64], "big") > _CURVE_ORDER // 2:\n        return None\n',
        "",
        _BOTH,
    ),
    Sabotage(
        "a member's second vote takes the place of its first",
        "A6",
        _TALLY,
        "        if known.message.digest != message.digest:\n            return DoubleVote.of(known, vote)\n        return False\n",
        "        votes[vote.sender] = vote\n        return known.message.digest != message.digest\n",
        _BOTH,
    ),
    Sabotage(
        "prevotes decide",
        "A6",
        _RULES,
        "            digest = self.tally.quorum_digest(round_, Phase.COMMIT)\n",
        "            digest = self.tally.quorum_digest(round_, Phase.PREVOTE)\n",
        (f"{_SCENARIO}::test_a6_a_quorum_of_commits_decides_and_one_fewer_does_not",),
    ),
    Sabotage(
        "a vote of another epoch counts",
        "A6",
        _ENGINE,
        "        elif message.epoch == self._committee.epoch and self._count_and_journal(vote):",
        "        elif self._count_and_journal(vote):",
        _BOTH,
    ),
    Sabotage(
        "a certificate of another epoch's committee is taken",
        "A6",
        _ENVELOPE,
        "    if certificate.epoch != committee.epoch or len(certificate.signatures) != committee.size:",
        "    if len(certificate.signatures) > committee.size:",
        _BOTH,
    ),
)
