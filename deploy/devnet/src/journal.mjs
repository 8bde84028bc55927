/**
 * Decides what survives a restart: an append-only file of one JSON record a line, synced before anything that depends
 * on it is answered. A last line that was torn by a crash is cut off; damage anywhere else is refused.
 * Does not know what the records mean for the VM: `history` only folds them.
 *
 * Records: genesis {time_s, balances} · tx {hex} admitted · drop {txid, status} · block {kind, txid, outcome} ·
 * reorg {depth, isDropping}
 */
import {
  closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync,
} from 'node:fs';
import path from 'node:path';
import { fromHex } from './wire/reader.mjs';
import { decodeTransaction } from './wire/transaction.mjs';

const FILE = 'chain.jsonl';

/** The file on disk cannot be the one this program wrote. */
export class JournalDamaged extends Error {}

export class Journal {
  #fd;

  constructor(fd, records, torn_bytes) {
    this.#fd = fd;
    this.records = records;
    this.torn_bytes = torn_bytes;
  }

  /** @param {string} directory made if missing */
  static open(directory) {
    mkdirSync(directory, { recursive: true });
    const file = path.join(directory, FILE);
    const text = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    const whole = text.lastIndexOf(0x0a) + 1;
    const records = text.subarray(0, whole).toString('utf8').split('\n').slice(0, -1).map(parseLine);
    const fd = openSync(file, 'a');
    ftruncateSync(fd, whole);
    fsyncSync(fd);
    return new Journal(fd, records, text.length - whole);
  }

  /**
   * In the file when it returns, so that it outlives the process; on the disk too unless `isSynced` is false.
   * @param {object[]} records @param {boolean} [isSynced]
   */
  append(records, isSynced = true) {
    const bytes = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    for (let written = 0; written < bytes.length;) written += writeSync(this.#fd, bytes, written);
    if (isSynced) fsyncSync(this.#fd);
  }

  close() {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }
}

function parseLine(line, i) {
  try {
    const record = JSON.parse(line);
    if (typeof record.k === 'string') return record;
  } catch {
    // Refused below, with the line's number.
  }
  throw new JournalDamaged(`line ${i + 1} of ${FILE} is not a record`);
}

/** @param {import('./chain.mjs').Block} block */
export function blockRecord({ kind, txid, outcome }) {
  if (kind !== 'transaction') return { k: 'block', kind };
  const { status, result, costs, vmError } = outcome;
  // A success is run again at replay and must give the same result; a failure is only charged again.
  return { k: 'block', kind, txid, outcome: status === 'success' ? { status, result } : { status, result, costs, vmError } };
}

/**
 * @param {object[]} records after the genesis record
 * @returns {{transactions: Map<string, import('./wire/transaction.mjs').Transaction>, entries: import('./chain.mjs').Entry[],
 *   waiting: string[], dropped: Map<string, string>, fork: number}}
 */
export function history(records) {
  const past = { transactions: new Map(), entries: [], waiting: new Set(), dropped: new Map(), fork: 0 };
  for (const record of records) fold(past, record);
  return { ...past, waiting: [...past.waiting] };
}

function fold(past, record) {
  switch (record.k) {
    case 'tx': {
      const tx = decodeTransaction(fromHex(record.hex));
      past.transactions.set(tx.txid, tx);
      past.dropped.delete(tx.txid);
      past.waiting.add(tx.txid);
      return;
    }
    case 'drop':
      past.waiting.delete(record.txid);
      past.dropped.set(record.txid, record.status);
      return;
    case 'block':
      past.waiting.delete(record.txid);
      past.entries.push({ kind: record.kind, txid: record.txid ?? null, outcome: record.outcome ?? null, fork: past.fork });
      return;
    case 'reorg': {
      const txids = past.entries.splice(-record.depth).flatMap(({ txid }) => (txid === null ? [] : [txid]));
      past.fork += 1;
      if (record.isDropping) for (const txid of txids) past.dropped.set(txid, 'dropped_replace_across_fork');
      else past.waiting = new Set([...txids, ...past.waiting]);
      return;
    }
    default:
      throw new JournalDamaged(`record of unknown kind ${record.k}`);
  }
}
