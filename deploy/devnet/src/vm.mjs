/**
 * Decides how a block is run on the Clarity VM: one transaction a block, as [fee transfer, operation].
 * One block a transaction, because a throwing operation ends its whole batch: alone in its block, only its fee stays
 * charged, as on the chain. Does not know nonces, mempool, history or HTTP.
 *
 * Every Vm is its own WebAssembly instance with its own clock and console: the VM reads `new Date()` once, as its
 * genesis time, and a panic in it ruins the whole instance. Both are kept from the rest of the process this way.
 *
 * @typedef {object} Outcome
 * @property {'success' | 'abort_by_response' | 'abort_by_post_condition'} status
 * @property {string} result hex with 0x
 * @property {{event: string, data: any}[]} events as the VM names them
 * @property {object | null} costs
 * @property {string | null} vmError
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import { MINER } from './wire/address.mjs';
import { fromHex } from './wire/reader.mjs';

export const EPOCH = '4.0';

/** What an unversioned deploy compiles as in epoch 4.0; the SDK's own default is an older one. */
export const DEFAULT_CLARITY_VERSION = 6;

/** The VM's clock stands this far past its genesis when the session begins. */
export const BOOT_OFFSET_S = 610;

/** What every Stacks block adds to the VM's clock. */
export const BLOCK_S = 10;

const OK_TRUE = '0x0703';
const ERR_NONE = '0x0809';

/** The VM itself broke (a panic, or an object left locked by one). The instance is of no further use. */
export class VmBroken extends Error {}

export class Vm {
  #sdk;
  #CallFnArgs;

  constructor(sdk, CallFnArgs) {
    this.#sdk = sdk;
    this.#CallFnArgs = CallFnArgs;
  }

  /**
   * @param {{genesisTime_s: number, balances: Record<string, bigint>}} genesis
   * @param {(text: string) => void} onOutput what the VM prints
   */
  static async boot(genesis, onOutput = () => {}) {
    const { SDK, SDKOptions, CallFnArgs } = loadInstance(genesis.genesisTime_s, onOutput);
    const sdk = new SDK(refuseFiles, new SDKOptions(true, false));
    await sdk.initEmptySession({ enabled: false });
    sdk.setEpoch(EPOCH);
    for (const address of Object.keys(genesis.balances).sort()) sdk.mintSTX(address, genesis.balances[address]);
    return new Vm(sdk, CallFnArgs);
  }

  get height() {
    return this.#guard(() => this.#sdk.stacksBlockHeight);
  }

  get burnHeight() {
    return this.#guard(() => this.#sdk.burnBlockHeight);
  }

  /** UTC seconds, what `stacks-block-time` gives in the latest block. */
  get time_s() {
    return this.#guard(() => Number(this.#sdk.getBlockTime()));
  }

  mineEmpty() {
    this.#guard(() => this.#sdk.mineEmptyStacksBlock());
  }

  mineBurn() {
    this.#guard(() => this.#sdk.mineEmptyBurnBlock());
  }

  /** Mines a block that charges the fee and does nothing else: how a known failure is replayed. */
  mineFee(tx) {
    this.#charge(this.#guard(() => this.#sdk.mineBlock([feeTransfer(tx)])));
  }

  /** @param {import('./wire/transaction.mjs').Transaction} tx admitted and payable @returns {Outcome} */
  mine(tx) {
    try {
      const results = this.#guard(() => this.#sdk.mineBlock([feeTransfer(tx), operation(tx)]));
      this.#charge(results);
      return outcome(tx, results[1]);
    } catch (error) {
      if (typeof error !== 'string') throw error;
      return { status: 'abort_by_response', result: ERR_NONE, events: [], costs: null, vmError: error };
    }
  }

  /** @returns {bigint} microSTX */
  balance_ustx(principal) {
    return this.#guard(() => this.#sdk.getAssetsMap().get('STX')?.get(principal) ?? 0n);
  }

  /** @returns {object | null} the contract's interface, field names as the VM gives them */
  interfaceOf(contract) {
    return this.#guard(() => this.#sdk.getContractsInterfaces().get(contract) ?? null);
  }

  /** @returns {string | null} */
  sourceOf(contract) {
    return this.#guard(() => this.#sdk.getContractSource(contract) ?? null);
  }

  /** @param {string[]} args hex, each checked against the interface @returns {{result: string} | {cause: string}} */
  readOnly(contract, fn, args, sender) {
    try {
      const call = new this.#CallFnArgs(contract, fn, args.map(fromHex), sender);
      return { result: this.#guard(() => this.#sdk.callReadOnlyFn(call)).result };
    } catch (error) {
      if (typeof error !== 'string') throw error;
      return { cause: error };
    }
  }

  /** @param {Uint8Array} key checked against the map's key type @returns {string} hex of an optional */
  mapEntry(contract, map, key) {
    return this.#valueOr('0x09', () => this.#sdk.getMapEntry(contract, map, key));
  }

  /** @returns {string | null} hex */
  dataVar(contract, name) {
    return this.#valueOr(null, () => this.#sdk.getDataVar(contract, name));
  }

  #valueOr(missing, read) {
    try {
      return this.#guard(read);
    } catch (error) {
      if (error === 'value not found') return missing;
      throw error;
    }
  }

  /** Strings are the VM's way to refuse an operation; anything else that it throws means that it broke. */
  #guard(use) {
    try {
      return use();
    } catch (error) {
      if (typeof error === 'string') throw error;
      throw new VmBroken(String(error), { cause: error });
    }
  }

  #charge(results) {
    if (results[0].result !== OK_TRUE) throw new VmBroken(`the fee was not charged: ${results[0].result}`);
  }
}

function feeTransfer(tx) {
  return { transferSTX: { amount: asNumber(tx.fee_ustx), recipient: MINER, sender: tx.sender } };
}

function operation(tx) {
  const { payload, sender } = tx;
  switch (payload.kind) {
    case 'transfer':
      return { transferSTX: { amount: asNumber(payload.amount_ustx), recipient: payload.recipient, sender } };
    case 'deploy': {
      const options = { clarityVersion: payload.clarityVersion ?? DEFAULT_CLARITY_VERSION };
      return { deployContract: { name: payload.name, content: payload.source, options, sender } };
    }
    default: {
      const args_maps = payload.args.map((arg) => fromHex(arg.hex));
      return { callPublicFn: { contract: payload.contract, method: payload.fn, args: [], args_maps, sender } };
    }
  }
}

/** The VM's batch reader takes JS numbers only. Exact: genesis holds less than 2^53 and amounts are checked first. */
function asNumber(amount_ustx) {
  if (amount_ustx > BigInt(Number.MAX_SAFE_INTEGER)) throw new VmBroken(`${amount_ustx} microSTX is above 2^53`);
  return Number(amount_ustx);
}

/** @returns {Outcome} */
function outcome(tx, { result, events, costs }) {
  const isOk = tx.payload.kind === 'deploy' || result.startsWith('0x07');
  return {
    status: isOk ? 'success' : 'abort_by_response',
    result: tx.payload.kind === 'deploy' ? OK_TRUE : result,
    events: isOk ? JSON.parse(events).map((event) => JSON.parse(event)) : [],
    costs: JSON.parse(costs ?? 'null')?.total ?? null,
    vmError: null,
  };
}

function loadInstance(genesisTime_s, onOutput) {
  const require = createRequire(import.meta.url);
  const file = require.resolve('@stacks/clarinet-sdk-wasm');
  const names = ['exports', 'require', 'module', '__filename', '__dirname', 'Date', 'console'];
  const run = compileFunction(readFileSync(file, 'utf8'), names, { filename: file });
  const module = { exports: {} };
  const print = (...parts) => onOutput(parts.join(' '));
  const output = { log: print, info: print, warn: print, error: print, debug: print };
  run(module.exports, createRequire(file), module, file, path.dirname(file), fixedDate(genesisTime_s), output);
  return module.exports;
}

function fixedDate(time_s) {
  return class extends Date {
    constructor(...args) {
      super(...(args.length === 0 ? [time_s * 1000] : args));
    }

    static now() {
      return time_s * 1000;
    }
  };
}

function refuseFiles() {
  throw new Error('the devnet gives its VM no files');
}
