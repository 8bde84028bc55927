/**
 * Decides what is looked up fast: next nonces, blocks by transaction, deployed contracts, events by contract.
 * Derived from the blocks alone, so a reorg builds it anew. Does not know the VM.
 */

export class ChainIndex {
  constructor() {
    /** @type {Map<string, bigint>} */
    this.nonces = new Map();
    /** @type {Map<string, import('./chain.mjs').Block>} by transaction id */
    this.blockOf = new Map();
    /** @type {Map<string, number>} contract to height */
    this.deployedAt = new Map();
    /** @type {Map<string, {block: import('./chain.mjs').Block, eventIndex: number}[]>} contract to its prints, oldest first */
    this.printsOf = new Map();
  }

  /** @param {string} address @returns {bigint} the next nonce */
  nonce(address) {
    return this.nonces.get(address) ?? 0n;
  }

  /** @param {import('./chain.mjs').Block} block @param {import('./wire/transaction.mjs').Transaction} tx */
  add(block, tx) {
    this.nonces.set(tx.sender, tx.nonce + 1n);
    this.blockOf.set(tx.txid, block);
    if (block.outcome.status !== 'success') return;
    if (tx.payload.kind === 'deploy') this.deployedAt.set(`${tx.sender}.${tx.payload.name}`, block.height);
    block.outcome.events.forEach(({ event, data }, eventIndex) => {
      if (event !== 'print_event') return;
      const prints = this.printsOf.get(data.contract_identifier) ?? [];
      prints.push({ block, eventIndex });
      this.printsOf.set(data.contract_identifier, prints);
    });
  }
}
