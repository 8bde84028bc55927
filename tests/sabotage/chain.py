"""Sabotages of the way to the chain, C1 to C4, as far as a node walks it; `contracts` has the rest."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_SCHEDULE: Final = "oracle/schedule.py"
_REPORTER: Final = "oracle/chain/reporter.py"
_COURIER: Final = "oracle/chain/courier.py"
_LEDGER: Final = "oracle/chain/ledger.py"
_JOB: Final = "oracle/chain/job.py"
_PANEL: Final = "oracle/chain/panel.py"
_SCENARIO: Final = ("tests/scenarios/test_chain.py",)
_TURNS: Final = ("tests/unit/oracle/test_schedule.py", "tests/scenarios/test_chain.py")
_OUTBOX: Final = ("tests/unit/chain/test_chain_outbox.py",)
_CLIENT: Final = ("tests/unit/chain/test_chain_client.py",)

SABOTAGES: Final = (
    Sabotage(
        "the same member always submits first",
        "C1",
        _SCHEDULE,
        'range(members), key=lambda slot: hashlib.sha256(digest + slot.to_bytes(1, "big")).digest()',
        'range(members), key=lambda slot: hashlib.sha256(slot.to_bytes(1, "big")).digest()',
        _TURNS,
    ),
    Sabotage(
        "every member submits at once",
        "C1",
        _REPORTER,
        "at_s = self._clock_s() + transmission.stage * self._stage_s",
        "at_s = self._clock_s()",
        _SCENARIO,
    ),
    Sabotage(
        "what stands on chain is submitted again",
        "C1",
        _REPORTER,
        "            if await self._contracts.is_done(transmission.key):\n"
        "                heapq.heappop(self._due)\n                continue\n",
        "",
        _SCENARIO,
    ),
    Sabotage(
        "windows go out before their epoch is on chain",
        "C1",
        _REPORTER,
        "                if epoch < certified_by(transmission):\n",
        "                if epoch < 0:\n",
        _SCENARIO,
    ),
    Sabotage(
        "a ceremony's every entry goes to the chain",
        "C1",
        _SCHEDULE,
        '        case "activate":\n',
        '        case "activate" | "deal" | "respond":\n',
        _TURNS,
    ),
    Sabotage(
        "the outbox is not synced",
        "C1",
        _LEDGER,
        'base.execute("PRAGMA synchronous = FULL")',
        'base.execute("PRAGMA synchronous = OFF")',
        _OUTBOX,
    ),
    Sabotage(
        "two processes own one account's nonces",
        "C1",
        _LEDGER,
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        _OUTBOX,
    ),
    Sabotage(
        "a transaction is sent before it is saved",
        "C1",
        _COURIER,
        "            job = await self.save(job.sending(now_s))\n"
        "            answer = await self._client.broadcast(job.latest.raw)\n",
        "            answer = await self._client.broadcast(job.latest.raw)\n"
        "            job = await self.save(job.sending(now_s))\n",
        _OUTBOX,
    ),
    Sabotage(
        "a new transaction is sent before it is saved",
        "C1",
        _COURIER,
        "signed = await self.save(job.signed(self._key, nonce, self._limits.fees.first(estimate), now_s))",
        "signed = job.signed(self._key, nonce, self._limits.fees.first(estimate), now_s)",
        _OUTBOX,
    ),
    Sabotage(
        "a key that was given before is sent again",
        "C1",
        "oracle/chain/outbox.py",
        "            if known is not None:\n                return known\n",
        '            if known is not None:\n                key = f"{key}:{self._ledger}"\n',
        _OUTBOX,
    ),
    Sabotage(
        "what others have done is sent all the same",
        "C1",
        _COURIER,
        "        if job.key.startswith(FILLER) or not await self._already_done(job):\n            return False\n",
        "        if job.key:\n            return False\n",
        _OUTBOX,
    ),
    Sabotage(
        "a replacement takes a new nonce",
        "C1",
        _COURIER,
        "return await self.save(job.signed(self._key, job.latest.nonce, fee_ustx, now_s))",
        "return await self.save(replace(job, nonce=None).signed(self._key, job.latest.nonce + 1, fee_ustx, now_s))",
        _OUTBOX,
    ),
    Sabotage(
        "fees rise above the cap",
        "C1",
        _JOB,
        "return max(fee_ustx, min(self.cap_ustx, max(raised, fast)))",
        "return max(fee_ustx, max(raised, fast))",
        _OUTBOX,
    ),
    Sabotage(
        "a stuck transaction pays no more",
        "C1",
        _JOB,
        "return max(fee_ustx, min(self.cap_ustx, max(raised, fast)))",
        "return fee_ustx",
        _OUTBOX,
    ),
    Sabotage(
        "a time-out is a failure",
        "C1",
        _COURIER,
        "        if now_s - (missed.missing_since_s or now_s) < self._limits.foreign_after_s:\n",
        "        if now_s < 0:\n",
        _OUTBOX,
    ),
    Sabotage(
        "a gap in the nonces is left",
        "C1",
        _COURIER,
        "if await self._send_due(account, now_s) and await self._fill_gaps(account, now_s):",
        "if await self._send_due(account, now_s):",
        _OUTBOX,
    ),
    Sabotage(
        "what is in one block is done",
        "C1",
        _JOB,
        "        deep = tip_height - height + 1 >= depth\n",
        "        deep = tip_height >= height\n",
        _OUTBOX,
    ),
    Sabotage(
        "what a reorganisation took away is forgotten",
        "C1",
        _COURIER,
        "                await self.save(job.reopened())\n",
        "",
        _OUTBOX,
    ),
    Sabotage(
        "a receipt stays although its block is gone",
        "C2",
        _REPORTER,
        "                await self._lose(receipt.height, receipt.txid)\n",
        "",
        _SCENARIO,
    ),
    Sabotage(
        "an aborted transaction is a receipt",
        "C2",
        _REPORTER,
        "        if status.state is not TransactionState.SUCCESS:\n            return\n        held",
        "        held",
        _SCENARIO,
    ),
    Sabotage(
        "one endpoint's answer is enough",
        "C3",
        _PANEL,
        "        if count >= agree:\n            return (answer,)\n",
        "        if count:\n            return (answer,)\n",
        _CLIENT,
    ),
    Sabotage(
        "the highest tip that anyone claims is believed",
        "C3",
        _PANEL,
        "key=lambda one: (one.height, one.tip), reverse=True)[agree - 1],)",
        "key=lambda one: (one.height, one.tip), reverse=True)[0],)",
        _CLIENT,
    ),
    Sabotage(
        "endpoints of two chains agree",
        "C3",
        _PANEL,
        "if len(given) < agree or len({one.chain_id for one in given}) != 1:",
        "if len(given) < agree:",
        _CLIENT,
    ),
    Sabotage(
        "one endpoint says that a transaction is mined",
        "C3",
        _PANEL,
        "settled = equal([one for one in given if one.state.mined], agree, last)",
        "settled = equal([one for one in given if one.state.mined], 1, last)",
        _CLIENT,
    ),
    Sabotage(
        "the dearest endpoint sets the fee",
        "C3",
        _PANEL,
        "return (sorted(given, key=lambda one: one.middle_ustx)[(len(given) - 1) // 2],)",
        "return (max(given, key=lambda one: one.middle_ustx),)",
        _CLIENT,
    ),
    Sabotage(
        "one endpoint's refusal is enough",
        "C3",
        _PANEL,
        "    if not last or len(rejected) < agree:\n        return None\n",
        "    if not rejected:\n        return None\n",
        _CLIENT,
    ),
    Sabotage(
        "an absent chain ends the outbox",
        "C4",
        "oracle/chain/outbox.py",
        "except (ChainUnavailable, CallRefused, ContractMisread) as failure:",
        "except (CallRefused, ContractMisread) as failure:",
        _OUTBOX,
    ),
    Sabotage(
        "an absent chain ends the reporter",
        "C4",
        _REPORTER,
        "            except (ChainUnavailable, CallRefused, ContractMisread, OutboxFull) as failure:\n",
        "            except (CallRefused, ContractMisread, OutboxFull) as failure:\n",
        _SCENARIO,
    ),
    Sabotage(
        "what waited for the chain goes out last first",
        "C4",
        _LEDGER,
        'self._jobs("WHERE state = ? ORDER BY sequence LIMIT 1", JobState.QUEUED.value)',
        'self._jobs("WHERE state = ? ORDER BY sequence DESC LIMIT 1", JobState.QUEUED.value)',
        _OUTBOX,
    ),
    Sabotage(
        "what could not be sent is dropped",
        "C4",
        _REPORTER,
        "            await self._outbox.enqueue(transmission.key, call)\n            heapq.heappop(self._due)\n",
        "            heapq.heappop(self._due)\n            await self._outbox.enqueue(transmission.key, call)\n",
        _SCENARIO,
    ),
)
