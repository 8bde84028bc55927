/**
 * Decides which admitted transactions wait, which one is mined next, and which a newcomer replaces.
 * Order is arrival, within a sender by nonce; there is no fee market. Does not know whether a transaction is valid.
 */

export const MAX_POOL = 4096;

/** A transaction that waited this many blocks is dropped, as a node does. */
export const MAX_AGE_BLOCKS = 2560;

export class Mempool {
  constructor() {
    /** @type {Map<string, {tx: import('./wire/transaction.mjs').Transaction, sinceHeight: number, receivedAt_s: number}>} */
    this.waiting = new Map();
    /** @type {Map<string, string>} sender and nonce to txid */
    this.slots = new Map();
  }

  get size() {
    return this.waiting.size;
  }

  /** The waiting transaction of the same sender and nonce, or null. */
  rivalOf(tx) {
    const txid = this.slots.get(slot(tx));
    return txid === undefined ? null : this.waiting.get(txid).tx;
  }

  add(tx, sinceHeight, receivedAt_s) {
    this.waiting.set(tx.txid, { tx, sinceHeight, receivedAt_s });
    this.slots.set(slot(tx), tx.txid);
  }

  remove(txid) {
    const entry = this.waiting.get(txid);
    if (entry === undefined) return;
    this.waiting.delete(txid);
    this.slots.delete(slot(entry.tx));
  }

  /**
   * The first one to arrive whose turn it is.
   * @param {(tx: import('./wire/transaction.mjs').Transaction) => boolean} isReady
   */
  next(isReady) {
    for (const { tx } of this.waiting.values()) if (isReady(tx)) return tx;
    return null;
  }

  /** @returns {string[]} ids of those that waited too long at `height` */
  stale(height) {
    return [...this.waiting.values()]
      .filter((entry) => height - entry.sinceHeight > MAX_AGE_BLOCKS).map((entry) => entry.tx.txid);
  }

  /** @returns {bigint[]} nonces of the sender's waiting transactions, ascending */
  noncesOf(sender) {
    return [...this.waiting.values()].filter(({ tx }) => tx.sender === sender).map(({ tx }) => tx.nonce)
      .sort((a, b) => (a < b ? -1 : 1));
  }
}

function slot(tx) {
  return `${tx.sender} ${tx.nonce}`;
}
