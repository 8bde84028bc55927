/**
 * Decides what the chain is: a list of blocks over one VM, each an empty block, a burn block or one transaction.
 * A block number here is the VM's `stacks-block-height`, so confirmations counted outside agree with what a contract
 * sees. State is never undone in place: the VM has no snapshots, so a reorg, a violated post-condition and a broken
 * VM all end in a fresh VM and a replay. Does not know the mempool, the disk or HTTP.
 *
 * @typedef {object} Block
 * @property {number} height
 * @property {string} hash hex
 * @property {string} parentHash hex
 * @property {number} fork how many reorgs came before it
 * @property {'genesis' | 'empty' | 'burn' | 'transaction'} kind
 * @property {string | null} txid
 * @property {import('./vm.mjs').Outcome | null} outcome
 * @property {number} time_s
 * @property {number} burnHeight
 * @property {number} burnTime_s
 *
 * @typedef {Pick<Block, 'kind' | 'txid' | 'fork'> & {outcome: Partial<import('./vm.mjs').Outcome> | null}} Entry
 *   what a block is replayed from
 */
import { createHash } from 'node:crypto';
import { ChainIndex } from './chain-index.mjs';
import { violation } from './postconditions.mjs';
import { BLOCK_S, Vm, VmBroken } from './vm.mjs';

/** Seconds of chain time between burn blocks. */
export const BURN_INTERVAL_S = 600;

/** The transaction breaks the VM: it was undone and must not be tried again. */
export class ProblematicTransaction extends Error {}

/** A replay gave another result than the one on record: the state on disk is of another VM, or of another genesis. */
export class ReplayDiverged extends Error {}

export class Chain {
  /** @param {(text: string) => void} onOutput what the VM prints */
  constructor(genesis, transactions, onOutput) {
    this.genesis = genesis;
    /** @type {Map<string, import('./wire/transaction.mjs').Transaction>} */
    this.transactions = transactions;
    this.onOutput = onOutput;
    this.fork = 0;
    /** @type {Block[]} */
    this.blocks = [];
    /** @type {(block: Block) => void} called with a new block before anybody can see it, not while replaying */
    this.onBlock = () => {};
  }

  /** @param {Entry[]} entries in order, without the genesis block */
  static async open(genesis, transactions, entries, fork, onOutput = () => {}) {
    const chain = new Chain(genesis, transactions, onOutput);
    chain.fork = fork;
    await chain.#replace(entries);
    return chain;
  }

  get tip() {
    return this.blocks[this.blocks.length - 1];
  }

  /** @param {number} height @returns {Block | null} */
  blockAt(height) {
    return this.blocks[height - this.blocks[0].height] ?? null;
  }

  /** Whether chain time asks for the next burn block. */
  get isBurnDue() {
    return this.tip.time_s + BLOCK_S - this.tip.burnTime_s >= BURN_INTERVAL_S;
  }

  mineEmpty() {
    this.vm.mineEmpty();
    return this.#extend('empty', null, null);
  }

  mineBurn() {
    this.vm.mineBurn();
    return this.#extend('burn', null, null);
  }

  /**
   * @param {import('./wire/transaction.mjs').Transaction} tx admitted, next in its sender's order, payable
   * @returns {Promise<Block>} throws ProblematicTransaction
   */
  async mine(tx) {
    const outcome = await this.#run(tx);
    return this.#extend('transaction', tx.txid, outcome);
  }

  /**
   * Drops the last `depth` blocks and starts another fork on what is left.
   * @param {number} depth less than the height above genesis
   * @returns {Promise<string[]>} ids of the transactions that fell out, oldest first
   */
  async reorg(depth) {
    const kept = this.blocks.slice(1, this.blocks.length - depth);
    const dropped = this.blocks.slice(this.blocks.length - depth);
    await this.#replace(kept);
    this.fork += 1;
    return dropped.flatMap((block) => (block.txid === null ? [] : [block.txid]));
  }

  /** @returns {object | null} cached: the VM hands over all interfaces at once */
  interfaceOf(contract) {
    if (!this.index.deployedAt.has(contract)) return null;
    let found = this.interfaces.get(contract);
    if (found === undefined) {
      found = this.vm.interfaceOf(contract);
      this.interfaces.set(contract, found);
    }
    return found;
  }

  /** Puts a fresh VM in the place of one that broke while it was only read. */
  async repair() {
    this.vm = await this.#replayed(this.blocks.slice(1), () => {});
  }

  async #run(tx) {
    let outcome;
    try {
      outcome = this.vm.mine(tx);
    } catch (error) {
      if (!(error instanceof VmBroken)) throw error;
      await this.repair();
      throw new ProblematicTransaction(error.message);
    }
    const fault = outcome.status === 'success' ? violation(tx, outcome.events) : null;
    if (fault === null) return outcome;
    // It ran for nothing: back to before it, and charge the fee alone.
    await this.repair();
    this.vm.mineFee(tx);
    return { ...outcome, status: 'abort_by_post_condition', events: [], vmError: fault };
  }

  async #replace(entries) {
    await this.#replayed(entries, (vm, entry, outcome) => {
      // Everything of the old chain is let go at once, when the fresh VM stands.
      if (entry.kind === 'genesis') {
        Object.assign(this, { vm, blocks: [], index: new ChainIndex(), interfaces: new Map() });
      }
      this.#append(this.#nextBlock(entry.kind, entry.txid, outcome, entry.fork));
    });
  }

  /** @returns {Promise<Vm>} */
  async #replayed(entries, onBlock) {
    const vm = await Vm.boot(this.genesis, this.onOutput);
    onBlock(vm, { kind: 'genesis', txid: null, fork: 0 }, null);
    for (const entry of entries) onBlock(vm, entry, this.#replayEntry(vm, entry));
    return vm;
  }

  #replayEntry(vm, { kind, txid, outcome }) {
    if (kind === 'empty') vm.mineEmpty();
    if (kind === 'burn') vm.mineBurn();
    if (kind !== 'transaction') return null;
    const tx = this.transactions.get(txid);
    if (outcome.status !== 'success') {
      vm.mineFee(tx);
      return { events: [], costs: null, vmError: null, ...outcome };
    }
    const again = vm.mine(tx);
    if (again.status !== 'success' || again.result !== outcome.result) {
      throw new ReplayDiverged(`transaction ${txid} gave ${again.status} ${again.result}, on record ${outcome.result}`);
    }
    return again;
  }

  #extend(kind, txid, outcome) {
    const block = this.#nextBlock(kind, txid, outcome, this.fork);
    this.onBlock(block);
    return this.#append(block);
  }

  #append(block) {
    this.blocks.push(block);
    if (block.txid !== null) this.index.add(block, this.transactions.get(block.txid));
    return block;
  }

  /** @returns {Block} */
  #nextBlock(kind, txid, outcome, fork) {
    const { height, burnHeight, time_s } = this.vm;
    const parentHash = this.tip?.hash ?? '00'.repeat(32);
    const hash = createHash('sha512-256')
      .update(JSON.stringify([parentHash, height, fork, kind, txid, outcome?.result ?? null, time_s])).digest('hex');
    // A burn block opens a tenure: its first Stacks block comes one step after it.
    const burnTime_s = burnHeight === this.tip?.burnHeight ? this.tip.burnTime_s : time_s - BLOCK_S;
    return { height, hash, parentHash, fork, kind, txid, outcome, time_s, burnHeight, burnTime_s };
  }
}
