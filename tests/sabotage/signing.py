"""Sabotages of never signing twice: N1 to N4."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_REGISTER: Final = "oracle/keys/register.py"
_SIGNER: Final = "oracle/keys/signer.py"
_MARKER: Final = "oracle/keys/marker.py"
_ENGINE: Final = "consensus/agreement/engine.py"
_RUNTIME: Final = "oracle/runtime.py"
_KEYS: Final = ("tests/unit/keys/test_signer.py",)
_AGREEMENT: Final = ("tests/scenarios/test_agreement.py",)
_DISK: Final = ("tests/integration/node/test_disk.py",)

SABOTAGES: Final = (
    Sabotage(
        "other bytes at a position are signed",
        "N1",
        _REGISTER,
        "return Answer.GRANTED if held == digest and held != POISON else Answer.TAKEN",
        "return Answer.GRANTED",
        _KEYS,
    ),
    Sabotage(
        "what was signed is not written down",
        "N1",
        _REGISTER,
        '    database.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?)", (*_columns(position), digest))\n'
        "    return Answer.GRANTED",
        "    return Answer.GRANTED",
        _KEYS,
    ),
    Sabotage(
        "a refused position is signed all the same",
        "N1",
        _SIGNER,
        "            case Answer.TAKEN:\n",
        "            case Answer.TAKEN if request.phase == 0:\n",
        _KEYS,
    ),
    Sabotage(
        "the round is no part of a position",
        "N1",
        _REGISTER,
        "    return position.key, position.network, position.height, position.round, position.phase\n",
        "    return position.key, position.network, position.height, 0, position.phase\n",
        _KEYS,
    ),
    Sabotage(
        "the register is not synced",
        "N1",
        "oracle/keys/register_file.py",
        'database.execute("PRAGMA synchronous = FULL")',
        'database.execute("PRAGMA synchronous = OFF")',
        _KEYS,
    ),
    Sabotage(
        "at the watermark itself is signed anew",
        "N1",
        _REGISTER,
        "return mark is not None and (position.height, position.round) <= mark",
        "return mark is not None and (position.height, position.round) < mark",
        _KEYS,
    ),
    Sabotage(
        "a watermark falls",
        "N1",
        _REGISTER,
        "WHERE (excluded.height, excluded.round) > (watermark.height, watermark.round)\n",
        "WHERE TRUE\n",
        _KEYS,
    ),
    Sabotage(
        "pruning forgets without a watermark",
        "N1",
        _REGISTER,
        "                if last is not None:\n                    database.execute(UPDATE_WATERMARK, (key, network, phase, *last))\n",
        "",
        _KEYS,
    ),
    Sabotage(
        "the signer does not read what it signs",
        "N1",
        _SIGNER,
        "self._foreign(request.network) or _misfit(request) for request in requests",
        "self._foreign(request.network) for request in requests",
        _KEYS,
    ),
    Sabotage(
        "a vote of one phase is signed as of the other",
        "N1",
        _SIGNER,
        '    if request.phase and fields.get("phase") != request.phase:\n'
        '        return Refused(Refusal.WRONG_FIELDS, "another phase")\n',
        "",
        _KEYS,
    ),
    Sabotage(
        "a restart casts another vote",
        "N1",
        _ENGINE,
        "self.out.signings[:] = [s for s in self.out.signings if s.payload not in answered]",
        "self.out.signings.clear()",
        _AGREEMENT,
    ),
    Sabotage(
        "a restart says again what was said",
        "N1",
        _ENGINE,
        "        self.out.records.clear()\n        self.out.envelopes.clear()\n",
        "        self.out.records.clear()\n",
        _AGREEMENT,
    ),
    Sabotage(
        "what this node has signed is not in its journal",
        "N1",
        _ENGINE,
        '        self._remember("signed", encode(data))\n',
        "",
        _AGREEMENT,
    ),
    Sabotage(
        "a time-out is not in the journal",
        "N1",
        _ENGINE,
        '            self._remember("timeout", encode({"round": int(round_), "stage": int(stage)}))\n',
        "",
        _AGREEMENT,
    ),
    Sabotage(
        "a node's word in a ceremony is made anew each time",
        "N1",
        _RUNTIME,
        "            await self._persist(memory.Writes(history=[Meta(key, held)]))  # N1: before it is sent\n",
        "",
        _DISK,
    ),
    Sabotage(
        "a Step is sent before it is durable",
        "N2",
        _RUNTIME,
        "        if writes.journal or writes.history:\n            await self._persist(writes)\n"
        "        for step in steps:\n            self._send(step.envelopes)\n",
        "        for step in steps:\n            self._send(step.envelopes)\n"
        "        if writes.journal or writes.history:\n            await self._persist(writes)\n"
        "        for step in steps:\n",
        _DISK,
    ),
    Sabotage(
        "a Step is not made durable at all",
        "N2",
        _RUNTIME,
        "        if writes.journal or writes.history:\n            await self._persist(writes)\n",
        "",
        _DISK,
    ),
    Sabotage(
        "a disk that is damaged is waited for",
        "N2",
        _RUNTIME,
        "return isinstance(failure, StorageFailed) and failure.retriable",
        "return isinstance(failure, StorageFailed)",
        _DISK,
    ),
    Sabotage(
        "after a failed write the register goes on",
        "N2",
        _REGISTER,
        "                    self._stopped = failure.problem\n                raise\n",
        "                    pass\n                raise\n",
        _KEYS,
    ),
    Sabotage(
        "after a failed write the database goes on",
        "N2",
        "oracle/storage/sqlite_file.py",
        "                    self._stopped = StorageProblem.BROKEN\n",
        "                    pass\n",
        ("tests/integration/storage/test_database.py",),
    ),
    Sabotage(
        "a marker that is not written stops nobody",
        "N2",
        _REGISTER,
        "            raise RegisterFailed(RegisterProblem.FAILED, str(cause)) from cause\n\n    def _mark",
        "            del cause\n\n    def _mark",
        _KEYS,
    ),
    Sabotage(
        "an old copy of the register is used",
        "N3",
        _REGISTER,
        "            elif mark.generation > self._generation:\n",
        "            elif mark.generation > self._generation + 1_000_000:\n",
        _KEYS,
    ),
    Sabotage(
        "a copy that is one generation behind is used",
        "N3",
        _REGISTER,
        "            elif mark.generation > self._generation:\n",
        "            elif mark.generation > self._generation + 1:\n",
        _KEYS,
    ),
    Sabotage(
        "a twin that runs is not noticed",
        "N3",
        _REGISTER,
        "        if any(marker.read() != self._mark() for marker in self._markers):\n",
        "        if any(marker.read() is None for marker in self._markers):\n",
        _KEYS,
    ),
    Sabotage(
        "a lost register is begun anew",
        "N3",
        _REGISTER,
        "        if empty and any(marker.read() for marker in self._markers):\n",
        "        if empty and not self._markers:\n",
        _KEYS,
    ),
    Sabotage(
        "a marker of another register will do",
        "N3",
        _REGISTER,
        "            elif mark.register != self._register:\n"
        "                raise RegisterFailed(RegisterProblem.MARKER_FOREIGN, str(marker.path))\n",
        "",
        _KEYS,
    ),
    Sabotage(
        "a register in use may lose its marker",
        "N3",
        _REGISTER,
        "                if self._generation > 0 and marker.path != new:\n",
        "                if self._generation < 0 and marker.path != new:\n",
        _KEYS,
    ),
    Sabotage(
        "a marker stays where it was",
        "N3",
        _REGISTER,
        "            for marker in self._markers:\n                marker.write(self._mark())\n        except",
        "            for marker in self._markers[:0]:\n                marker.write(self._mark())\n        except",
        _KEYS,
    ),
    Sabotage(
        "a marker overwrites the one slot it has",
        "N3",
        _MARKER,
        "written = os.pwrite(self._file, data, mark.generation % 2 * _SLOT_STRIDE_BYTES)",
        "written = os.pwrite(self._file, data, 0)",
        _KEYS,
    ),
    Sabotage(
        "what was imported may be signed otherwise",
        "N3",
        _REGISTER,
        "                at = (position.key, position.network, position.phase, position.height, position.round)\n                database.execute(UPDATE_WATERMARK, at)\n",
        "",
        _KEYS,
    ),
    Sabotage(
        "of two registers that differ the older word holds",
        "N3",
        _REGISTER,
        "                        (POISON, *where),\n",
        "                        (held, *where),\n",
        _KEYS,
    ),
    Sabotage(
        "an export of another network is imported",
        "N3",
        "oracle/keys/interchange.py",
        '    if _bytes(said["network"], 32) != network:\n        raise ValueError("another network\'s")\n',
        "",
        _KEYS,
    ),
    Sabotage(
        "plain signing signs votes",
        "N4",
        _SIGNER,
        "if said != topic or said not in self._plain_topics:",
        "if said != topic:",
        _KEYS,
    ),
    Sabotage(
        "votes may be among what is signed plainly",
        "N4",
        _SIGNER,
        '        check(not plain_topics & SLASHABLE_TOPICS, "votes and proposals are signed through the register")\n',
        "",
        _KEYS,
    ),
)
