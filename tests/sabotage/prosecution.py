"""Sabotages of evidence as files: how it is judged, looked for, and brought to the contract (E2 to E4, E6)."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_VERIFY: Final = "oracle/evidence/verify.py"
_TRIAL: Final = "oracle/evidence/trial.py"
_RECORDS: Final = "oracle/evidence/records.py"
_SUMS: Final = "oracle/evidence/sums.py"
_WITHHELD: Final = "oracle/evidence/withheld.py"
_INSPECT: Final = "oracle/evidence/inspect.py"
_PROSECUTOR: Final = "oracle/prosecutor.py"
_DISPUTES: Final = "oracle/chain/disputes.py"
_FILING: Final = "oracle/chain/filing.py"
_FILES: Final = ("tests/unit/evidence/test_attested.py",)
_LOOK: Final = ("tests/unit/evidence/test_inspect.py",)
_NODE: Final = ("tests/integration/api/test_api_evidence.py",)
_TURNS: Final = ("tests/unit/evidence/test_disputes.py",)
_DEVNET: Final = ("tests/integration/test_disputes_devnet.py",)

SABOTAGES: Final = (
    Sabotage(
        "any record in a file shows that a leaf is false",
        "E2",
        _VERIFY,
        "    if hashlib.sha256(record.data).digest() != leaf.record:\n",
        "    if not leaf.record:\n",
        _FILES,
    ),
    Sabotage(
        "a file accuses for a leaf that follows from its record",
        "E2",
        _VERIFY,
        "    if not contradicted:\n",
        "    if contradicted is None:\n",
        _FILES,
    ),
    Sabotage(
        "a file accuses the signers of a restatement for a leaf",
        "E2",
        _TRIAL,
        "    if summary.revision != 0:\n",
        "    if summary.revision < 0:\n",
        _FILES,
    ),
    Sabotage(
        "a file needs no certificate",
        "E2",
        _TRIAL,
        "    fault = log.certified(trial.case, signed)\n    if fault is not None:\n",
        "    fault = log.certified(trial.case, signed)\n    if fault is not None and not signed:\n",
        _FILES,
    ),
    Sabotage(
        "an item of a batch of another window clears a leaf",
        "E2",
        _RECORDS,
        "    return registers == (leaf.import_register_wh, leaf.export_register_wh) and in_time\n",
        "    return registers == (leaf.import_register_wh, leaf.export_register_wh) and (in_time or True)\n",
        _FILES,
    ),
    Sabotage(
        "a file is judged by a record with a backslash",
        "E2",
        _RECORDS,
        ' or not record.startswith(b"OCMF|") or b"\\\\" in record:\n',
        ' or not record.startswith(b"OCMF|"):\n',
        _FILES,
    ),
    Sabotage(
        "a direction that a record lacks is held against a leaf",
        "E2",
        _RECORDS,
        "    return register_wh in read or (energy_wh == 0 and (not read or others))\n",
        "    return register_wh in read\n",
        _FILES,
    ),
    Sabotage(
        "a file judges a zone by some of its leaves",
        "E3",
        _VERIFY,
        "                len(leaves) != zone.summary.leaf_count\n"
        "                or root_of([one.hash for one in leaves]) != zone.summary.root\n",
        "                len(leaves) > zone.summary.leaf_count\n",
        _FILES,
    ),
    Sabotage(
        "a file counts from any earlier leaf",
        "E3",
        _VERIFY,
        "    if (before.usage_point, before.window) != (leaf.usage_point, leaf.since) or earlier.window != leaf.since:\n",
        "    if earlier.window > leaf.since:\n",
        _FILES,
    ),
    Sabotage(
        "a file accuses for a register that rolled over",
        "E3",
        _SUMS,
        "    return not after_wh <= energy_wh <= REGISTER_MAX_WH + after_wh - min(before_wh, REGISTER_MAX_WH)\n",
        "    return energy_wh != after_wh\n",
        _FILES,
    ),
    Sabotage(
        "a file lets a window have leaves that its zones have not",
        "E3",
        _SUMS,
        "    return sums != (summary.leaf_count, summary.import_wh, summary.export_wh)\n",
        "    return sums[1:] != (summary.import_wh, summary.export_wh)\n",
        _FILES,
    ),
    Sabotage(
        "a receipt for other records accuses",
        "E4",
        _WITHHELD,
        "    if hashlib.sha256(content.record.data).digest() not in records:\n",
        "    if not records:\n",
        _FILES,
    ),
    Sabotage(
        "a receipt of after the window's end accuses",
        "E4",
        _WITHHELD,
        "    if time_s > summary.window + trial.evidence.genesis.window_s:\n",
        "    if not time_s:\n",
        _FILES,
    ),
    Sabotage(
        "who gave a receipt and did not sign the window is accused",
        "E4",
        _WITHHELD,
        "    if key not in trial.accused:\n",
        "    if not trial.accused:\n",
        _FILES,
    ),
    Sabotage(
        "all signers are accused for a record that one of them withheld",
        "E4",
        _WITHHELD,
        "    trial.accused = (key,)\n",
        "",
        _FILES,
    ),
    Sabotage(
        "a leaf is missing between any two",
        "E4",
        _WITHHELD,
        "            absent = right == left + 1 and before < point < after\n",
        "            absent = right > left and before < after\n",
        _FILES,
    ),
    Sabotage(
        "a record of another window was withheld from this one",
        "E4",
        _WITHHELD,
        "    if not any(summary.window < time_s <= summary.window + _window_s(trial) for time_s in times):\n",
        "    if not times:\n",
        _FILES,
    ),
    Sabotage(
        "a record that no meter signed was withheld",
        "E4",
        _WITHHELD,
        "            if not meter_signed(trial.case, record, meter):\n",
        "            if not record:\n",
        _FILES,
    ),
    Sabotage(
        "a window full of lies fills the disk",
        "E6",
        _INSPECT,
        "        if len(found) == EVIDENCE_PER_WINDOW_MAX:\n            break\n",
        "",
        _LOOK,
    ),
    Sabotage(
        "a window is looked through by its sums alone",
        "E6",
        _INSPECT,
        "        if record is not None and _contradicts(place.leaf, record, window_s):\n",
        "        if record is None and False:\n",
        _LOOK,
    ),
    Sabotage(
        "what a node finds is not kept",
        "E6",
        _PROSECUTOR,
        "            await self._database.write((), (StoredEvidence(digest_of(data), height, kind, data),))\n",
        "",
        _NODE,
    ),
    Sabotage(
        "evidence that was punished is brought again at every start",
        "E6",
        _PROSECUTOR,
        "            if not state.final:\n                self._disputes.take(stored.data)\n",
        "            self._disputes.take(stored.data)\n",
        _NODE,
    ),
    Sabotage(
        "what became of evidence is forgotten",
        "E6",
        _PROSECUTOR,
        "            await self._database.write((), (Meta(key, json.dumps(content).encode()),))\n",
        "            _log.debug(key)\n",
        _NODE,
    ),
    Sabotage(
        "a node submits what accuses itself",
        "E6",
        _DISPUTES,
        "        if self.own_key in judgement.accused:\n",
        "        if self.own_key in ():\n",
        _TURNS,
    ),
    Sabotage(
        "a node submits evidence of another network",
        "E6",
        _DISPUTES,
        "judge(case.data, Expectations(network=self.network))",
        "judge(case.data, Expectations())",
        _TURNS,
    ),
    Sabotage(
        "members submit all at once",
        "E6",
        _DISPUTES,
        "case.filing, case.at_s = filing, case.at_s + stage * self.stage_s",
        "case.filing, case.at_s = filing, case.at_s + stage * 0",
        _TURNS,
    ),
    Sabotage(
        "evidence of the first ceremony is thrown away",
        "E6",
        _DISPUTES,
        "            if not await self.contracts.current_epoch():  # of votes in the first ceremony\n",
        "            if await self.contracts.current_epoch() < 0:\n",
        _TURNS,
    ),
    Sabotage(
        "the contract is not asked whether it is punished already",
        "E6",
        _DISPUTES,
        "        if job is None and await self.contracts.is_done(key):\n",
        "        if job is None and not key:\n",
        _TURNS,
    ),
    Sabotage(
        "a window is disputed that is not on chain",
        "E6",
        _DISPUTES,
        "            if held is None or held.digest != signed.entry.digest:\n",
        "            if held is not None and held.digest != signed.entry.digest:\n",
        _DEVNET,
    ),
    Sabotage(
        "whoever holds the better proof comes first, and so everybody",
        "E6",
        _FILING,
        '    return digest({"offence": name})\n',
        '    return digest({"offence": name[:6]})\n',
        _LOOK,
    ),
    Sabotage(
        "two proofs of one offence are one call",
        "E6",
        _FILING,
        '    return f"{name}:{judgement.digest.hex()[:NAME_LETTERS]}"\n',
        "    return name\n",
        _LOOK,
    ),
    Sabotage(
        "a machine opens a challenge's vote",
        "E4",
        _FILING,
        "    if isinstance(evidence.content, WithheldContent):\n",
        "    if isinstance(evidence.content, WithheldContent) and not judgement.proven:\n",
        _LOOK,
    ),
    Sabotage(
        "what proves nothing is submitted",
        "E6",
        _FILING,
        "    if not judgement.proven or evidence is None:\n",
        "    if evidence is None:\n",
        _LOOK,
    ),
    Sabotage(
        "a zone is judged on chain before its leaves are tallied",
        "E3",
        _FILING,
        "(_open_zone(signed, false_zone), *_tallies(summary, false_zone, rows))",
        "(_open_zone(signed, false_zone), *_tallies(summary, false_zone, rows)[:0])",
        _LOOK,
    ),
    Sabotage(
        "more leaves are tallied at once than the contract takes",
        "E3",
        _FILING,
        "LEAVES_PER_TALLY: Final = 25\n",
        "LEAVES_PER_TALLY: Final = 26\n",
        ("tests/unit/evidence/test_contract_limits.py",),
    ),
)
