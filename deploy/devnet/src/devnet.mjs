/**
 * Decides when blocks are mined and what is written down before anybody is told: the one owner of chain, mempool and
 * journal. Changes run one after another; readers wait while a VM is being rebuilt. Does not know HTTP.
 *
 * Chain time is the VM's: 10 s a block, whatever the wall clock says. The devnet keeps it from lagging behind the wall
 * clock; with blocks faster than one in 10 s it runs ahead.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { rejection, spending_ustx } from './admission.mjs';
import { BURN_INTERVAL_S, Chain, ProblematicTransaction } from './chain.mjs';
import { agreedGenesis } from './genesis.mjs';
import { Journal, blockRecord, history } from './journal.mjs';
import { Mempool } from './mempool.mjs';
import { BLOCK_S, VmBroken } from './vm.mjs';
import { decodeTransaction } from './wire/transaction.mjs';

/** Transactions mined in one tick, each in its own block; the rest wait for the next. */
export const MAX_MINED_PER_TICK = 200;

/** Blocks a caller may ask for at once. */
export const MAX_MINE = 10_000;

/** Blocks mined before HTTP gets a turn. */
const CHUNK = 25;

/** Blocks mined in one tick to catch up with the wall clock after a stop: burn blocks of 10 minutes, then single ones. */
const MAX_CATCH_UP_BURNS = 1000;
const MAX_CATCH_UP_BLOCKS = 60;

/** Statuses of dropped transactions that are remembered. */
const MAX_DROPPED = 10_000;

/** Confirmations that `--idle wall` mines at once after the last transaction. */
const SETTLE_BLOCKS = 6;

export class Devnet {
  #turn = Promise.resolve();
  #rebuild = null;
  #timer = null;

  /**
   * @param {{state: string, balances: Record<string, bigint> | null, blockMs: number, idle: 'tick' | 'wall'}} options
   * @param {(event: string, fields?: object) => void} log
   * @param {(error: unknown) => void} onFailure a change of state failed halfway: what is in memory is no longer to be
   *   trusted, what is on disk is
   */
  static async open(options, log, onFailure) {
    const journal = Journal.open(options.state);
    if (journal.torn_bytes > 0) log('journal.torn', { bytes: journal.torn_bytes });
    const genesis = agreedGenesis(journal, options.balances);
    const past = history(journal.records.slice(1));
    const onOutput = (text) => log('vm.output', { text: text.trim().slice(0, 2000) });
    const chain = await Chain.open(genesis, past.transactions, past.entries, past.fork, onOutput);
    const devnet = new Devnet({ ...options, log, onFailure, journal, chain }, past);
    log('chain.open', { height: chain.tip.height, fork: chain.fork, waiting: devnet.pool.size, time_s: chain.tip.time_s });
    return devnet;
  }

  constructor(parts, past) {
    Object.assign(this, parts);
    this.pool = new Mempool();
    /** @type {Map<string, string>} txid to status */
    this.dropped = past.dropped;
    for (const txid of past.waiting) this.#wait(txid);
    // Blocks without a transaction ride on the next sync: all that a power cut can take is empty time.
    this.chain.onBlock = (block) => this.journal.append([blockRecord(block)], block.kind === 'transaction');
  }

  start() {
    if (this.blockMs === 0) return;
    const tick = async () => {
      await this.#exclusive(() => this.#tick());
      if (this.#timer !== null) this.#timer = setTimeout(tick, this.blockMs);
    };
    this.#timer = setTimeout(tick, this.blockMs);
  }

  async stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    await this.#turn;
    this.journal.close();
  }

  /**
   * Runs a read of the chain when no VM is being rebuilt. One that breaks under it is replaced before the error goes on.
   * @template T @param {(chain: Chain) => T} use @returns {Promise<T>}
   */
  async read(use) {
    while (this.#rebuild !== null) await this.#rebuild;
    const { vm } = this.chain;
    try {
      return use(this.chain);
    } catch (error) {
      if (error instanceof VmBroken) await this.#replaceBroken(vm, error);
      throw error;
    }
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Promise<{txid: string, rejection: import('./admission.mjs').Rejection | null}>} throws WireError
   */
  submit(bytes) {
    return this.read(() => this.#admit(decodeTransaction(bytes)));
  }

  /** Mines `count` blocks: waiting transactions first, then empty ones. @param {boolean} isBurn empty ones are burn blocks */
  mine(count, isBurn) {
    return this.#exclusive(async () => {
      for (let left = count - (await this.#mineWaiting(count)); left > 0; left -= 1) {
        if (isBurn) this.chain.mineBurn();
        else this.#mineEmpty();
        if (left % CHUNK === 0) await nextTurn();
      }
    });
  }

  /**
   * Drops the last `asked` blocks, down to genesis at most. Their transactions wait again, or are gone if `isDropping`.
   * @returns {Promise<{returned: string[], dropped: string[]}>}
   */
  reorg(asked, isDropping) {
    return this.#exclusive(async () => {
      const old = this.chain.tip;
      // Genesis stays, also when a reorg that ran before this one left fewer blocks.
      const depth = Math.min(asked, this.chain.blocks.length - 1);
      this.journal.append([{ k: 'reorg', depth, isDropping }]);
      const txids = await this.#rebuilding(() => this.chain.reorg(depth));
      if (isDropping) for (const txid of txids) this.#forget({ txid, status: 'dropped_replace_across_fork' });
      else this.#waitFirst(txids);
      this.log('chain.reorg', { depth, from: old.hash, to: this.chain.tip.hash, transactions: txids.length, isDropping });
      return { returned: isDropping ? [] : txids, dropped: isDropping ? txids : [] };
    });
  }

  #exclusive(change) {
    const done = this.#turn.then(change);
    this.#turn = done.catch(this.onFailure);
    return done;
  }

  async #replaceBroken(vm, error) {
    this.log('vm.broken', { message: error.message });
    // Another reader may have had it replaced by now.
    await this.#exclusive(() => (this.chain.vm === vm ? this.#rebuilding(() => this.chain.repair()) : null));
  }

  async #rebuilding(work) {
    const running = work();
    this.#rebuild = running.catch(() => {});
    try {
      return await running;
    } finally {
      this.#rebuild = null;
    }
  }

  #admit(tx) {
    const { txid } = tx;
    if (this.pool.waiting.has(txid)) return { txid, rejection: null };
    const isBlacklisted = this.dropped.get(txid) === 'dropped_problematic';
    const rejected = isBlacklisted ? { reason: 'TemporarilyBlacklisted' } : rejection(tx, this.chain, this.pool);
    if (rejected !== null) {
      this.log('transaction.rejected', { txid, reason: rejected.reason });
      return { txid, rejection: rejected };
    }
    const rival = this.pool.rivalOf(tx);
    const replaced = rival === null ? [] : [{ k: 'drop', txid: rival.txid, status: 'dropped_replace_by_fee' }];
    this.journal.append([...replaced, { k: 'tx', hex: tx.hex }]);
    for (const record of replaced) this.#forget(record);
    this.chain.transactions.set(txid, tx);
    this.dropped.delete(txid);
    this.#wait(txid);
    this.log('transaction.admitted', { txid, sender: tx.sender, nonce: Number(tx.nonce), kind: tx.payload.kind });
    return { txid, rejection: null };
  }

  async #tick() {
    for (let i = 0; i < MAX_CATCH_UP_BURNS && this.#lag_s() >= BURN_INTERVAL_S + BLOCK_S; i += 1) {
      this.chain.mineBurn();
    }
    const mined = await this.#mineWaiting(MAX_MINED_PER_TICK);
    if (mined === 0 && this.#wantsEmpty()) this.#mineEmpty();
    for (let i = 0; i < MAX_CATCH_UP_BLOCKS && this.#lag_s() >= BLOCK_S; i += 1) this.#mineEmpty();
    for (const txid of this.pool.stale(this.chain.tip.height)) this.#drop(txid, 'dropped_stale_garbage_collect');
  }

  /** Seconds that chain time is behind the wall clock; negative when it is ahead. */
  #lag_s() {
    return Math.floor(Date.now() / 1000) - this.chain.tip.time_s;
  }

  #wantsEmpty() {
    if (this.idle === 'tick') return true;
    return this.chain.blocks.slice(-SETTLE_BLOCKS).some((block) => block.kind === 'transaction');
  }

  #mineEmpty() {
    return this.chain.isBurnDue ? this.chain.mineBurn() : this.chain.mineEmpty();
  }

  /** @returns {Promise<number>} transactions mined */
  async #mineWaiting(limit) {
    let mined = 0;
    while (mined < limit) {
      const tx = this.pool.next((candidate) => this.#isReady(candidate));
      if (tx === null) break;
      if (this.chain.isBurnDue) this.chain.mineBurn();
      if (await this.#mineOne(tx)) mined += 1;
      if (mined % CHUNK === 0) await nextTurn();
    }
    return mined;
  }

  #isReady(tx) {
    return tx.nonce === this.chain.index.nonce(tx.sender)
      && this.chain.vm.balance_ustx(tx.sender) >= spending_ustx(tx);
  }

  async #mineOne(tx) {
    this.pool.remove(tx.txid);
    try {
      const { height, outcome } = await this.#rebuilding(() => this.chain.mine(tx));
      const { status, result, vmError } = outcome;
      this.log('transaction.mined', { txid: tx.txid, height, status, result, vmError });
      return true;
    } catch (error) {
      if (!(error instanceof ProblematicTransaction)) throw error;
      this.#drop(tx.txid, 'dropped_problematic');
      return false;
    }
  }

  #drop(txid, status) {
    this.journal.append([{ k: 'drop', txid, status }]);
    this.#forget({ txid, status });
    this.log('transaction.dropped', { txid, status });
  }

  #forget({ txid, status }) {
    this.pool.remove(txid);
    this.dropped.set(txid, status);
    if (this.dropped.size > MAX_DROPPED) this.dropped.delete(this.dropped.keys().next().value);
  }

  #wait(txid) {
    this.pool.add(this.chain.transactions.get(txid), this.chain.tip.height, Math.floor(Date.now() / 1000));
  }

  #waitFirst(txids) {
    const later = [...this.pool.waiting.keys()];
    for (const txid of later) this.pool.remove(txid);
    for (const txid of [...txids, ...later]) this.#wait(txid);
  }
}
