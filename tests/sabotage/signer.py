"""Sabotages of never twice: N1 to N3, in the register, the signer and the claims."""

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_REGISTER: Final = "oracle/keys/register.py"
_SIGNER: Final = "oracle/keys/signer.py"
_UNIT: Final = "tests/unit/keys/test_signer.py"
_PROCESS: Final = "tests/unit/keys/test_signer_process.py"
_TENURE: Final = "tests/properties/test_tenure.py"

SABOTAGES: Final = (
    Sabotage(
        "other bytes at a position that is taken are signed",
        "N1",
        _REGISTER,
        "return Answer.GRANTED if held == digest and held != POISON else Answer.TAKEN",
        "return Answer.GRANTED",
        (
            f"{_UNIT}::test_other_bytes_at_the_same_position_are_refused",
            f"{_PROCESS}::test_same_bytes_get_the_same_signature_and_other_bytes_are_refused",
        ),
    ),
    Sabotage(
        "the signer believes the node about the position",
        "N1",
        "oracle/keys/process.py",
        "        requested(payload)\n        if isinstance(payload, bytes)",
        "        VoteRequest(signer._network or b'', len(payload), id(payload), 1, payload)\n"
        "        if isinstance(payload, bytes)",
        (f"{_PROCESS}::test_a_vote_is_signed_by_the_key_that_only_the_other_process_has",),
    ),
    Sabotage(
        "what is below the watermark is signed",
        "N1",
        _REGISTER,
        "    if _is_past(database, position):\n        return Answer.BELOW_WATERMARK\n",
        "",
        (f"{_UNIT}::test_pruned_heights_stay_refused",),
    ),
    Sabotage(
        "a failed write is forgotten",
        "N2",
        _REGISTER,
        "                    self._stopped = failure.problem\n                raise\n",
        "                    pass\n                raise\n",
        (f"{_UNIT}::test_a_failed_write_signs_nothing_until_a_restart",),
    ),
    Sabotage(
        "a restored copy is opened",
        "N3",
        _REGISTER,
        "elif mark.generation > self._generation:",
        "elif False:",
        (f"{_UNIT}::test_a_restored_copy_is_refused",),
    ),
    Sabotage(
        "a vote that another process signed is no reason to stop",
        "N3",
        _REGISTER,
        "        return Answer.TWIN  # N3\n",
        "        pass\n",
        (f"{_PROCESS}::test_an_own_vote_that_the_register_does_not_hold_ends_all_voting",),
    ),
    Sabotage(
        "anybody's signature under an own vote's place ends all voting",
        "N3",
        _SIGNER,
        "            if recover(payload, signature) == self.public_key:\n",
        "            if True:\n",
        (f"{_PROCESS}::test_nobody_else_s_signature_can_end_it",),
    ),
    Sabotage(
        "a member grants a key to a second instance while the first one's lease runs",
        "N3",
        "oracle/tenure.py",
        "        if held is not None and held.instance != claim.instance and now_ms < held.until_ms:\n"
        "            return False\n",
        "",
        (f"{_TENURE}::test_n3_a_live_twin_is_told_from_a_dead_predecessor",),
    ),
    Sabotage(
        "a lease is counted from its answer, not from its claim",
        "N3",
        "oracle/tenure.py",
        "sent_ms + self.lease_ms",
        "now_ms + self.lease_ms",
        (f"{_TENURE}::test_n3_a_lease_ends_for_its_holder_before_it_ends_for_the_granter",),
    ),
    Sabotage(
        "one member fewer than a decision needs is enough for a tenure",
        "N3",
        "oracle/tenure.py",
        "held = len(granters) >= needed",
        "held = len(granters) >= needed - 1",
        (f"{_TENURE}::test_n3_no_two_instances_of_one_key_are_entitled_at_once",),
    ),
)
