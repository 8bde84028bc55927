/**
 * Decides whether a decoded transaction enters the mempool, in a node's order and in a node's words
 * (stacks-core `will_admit_mempool_tx` and `MemPoolRejection::into_json`). Does not change anything.
 *
 * @typedef {{reason: string, data?: object, status?: number}} Rejection
 */
import { MAX_POOL } from './mempool.mjs';
import { isTestnet, parsePrincipal } from './wire/address.mjs';
import { TESTNET_CHAIN_ID, TESTNET_VERSION, signatureFault } from './wire/transaction.mjs';
import { admits, repr, typeName } from './wire/value.mjs';

/** Nonces a sender may run ahead of its account. */
export const MAX_CHAINING = 25n;

/** microSTX a byte. */
export const MIN_FEE_RATE = 1n;

/**
 * @param {import('./wire/transaction.mjs').Transaction} tx
 * @param {import('./chain.mjs').Chain} chain
 * @param {import('./mempool.mjs').Mempool} pool
 * @returns {Rejection | null}
 */
export function rejection(tx, chain, pool) {
  return semanticFault(tx)
    ?? signatureRejection(tx)
    ?? feeFault(tx)
    ?? nonceFault(tx, chain)
    ?? fundsFault(tx, chain)
    ?? payloadFault(tx, chain)
    ?? poolFault(tx, pool);
}

function semanticFault({ version, payload, sender }) {
  if (version !== TESTNET_VERSION) return { reason: 'BadTransactionVersion' };
  switch (payload.kind) {
    case 'unsupported': return unsupported(payload.payloadType);
    case 'transfer':
      if (payload.recipient === sender) {
        return { reason: 'TransferRecipientCannotEqualSender', data: { recipient: sender } };
      }
      if (payload.amount_ustx === 0n) return { reason: 'TransferAmountMustBePositive' };
      return addressFault(payload.recipient);
    case 'call': return addressFault(payload.contract);
    default: return null;
  }
}

function unsupported(payloadType) {
  if (payloadType === 7) return { reason: 'NoTenureChangeViaMempool' };
  if (payloadType === 3) return other('PoisonMicroblock transactions not accepted via mempool');
  return { reason: 'NoCoinbaseViaMempool' };
}

function addressFault(principal) {
  return isTestnet(parsePrincipal(principal).version) ? null : { reason: 'BadAddressVersionByte' };
}

function signatureRejection(tx) {
  const fault = tx.chainId === TESTNET_CHAIN_ID ? signatureFault(tx) : `Invalid chain ID ${tx.chainId}`;
  return fault === null ? null : { reason: 'SignatureValidation', data: { message: fault } };
}

function feeFault(tx) {
  const expected = BigInt(tx.size_bytes) * MIN_FEE_RATE;
  if (tx.fee_ustx >= expected) return null;
  return { reason: 'FeeTooLow', data: { expected: Number(expected), actual: Number(tx.fee_ustx) } };
}

function nonceFault(tx, chain) {
  const nonce = chain.index.nonce(tx.sender);
  const data = { actual: Number(tx.nonce), principal: tx.sender, is_origin: true };
  if (tx.nonce < nonce) return { reason: 'BadNonce', data: { expected: Number(nonce), ...data } };
  const limit = nonce + 1n + MAX_CHAINING;
  if (tx.nonce <= limit) return null;
  const message = 'Nonce would exceed chaining limit in mempool';
  return { reason: 'TooMuchChaining', data: { message, expected: Number(limit), ...data } };
}

function fundsFault(tx, chain) {
  const expected = spending_ustx(tx);
  const actual = chain.vm.balance_ustx(tx.sender);
  if (actual >= expected) return null;
  return { reason: 'NotEnoughFunds', data: { expected: u128Hex(expected), actual: u128Hex(actual) } };
}

/** What must be there before the transaction runs: a contract call's own spending is for the VM to judge. */
export function spending_ustx(tx) {
  return tx.fee_ustx + (tx.payload.kind === 'transfer' ? tx.payload.amount_ustx : 0n);
}

/** @param {bigint} amount @returns {string} 16 bytes big-endian in hex, as the node spells a balance */
export function u128Hex(amount) {
  return `0x${amount.toString(16).padStart(32, '0')}`;
}

function payloadFault(tx, chain) {
  const { payload } = tx;
  if (tx.postConditions.some(({ kind }) => kind === 'staking' || kind === 'pox')) {
    return other('the devnet does not evaluate post-conditions on staking');
  }
  if (payload.kind === 'transfer') {
    return tx.postConditions.length === 0 ? null : other('TokenTransfer transactions do not support post-conditions');
  }
  if (payload.kind === 'call') return callFault(payload, chain);
  const contract = `${tx.sender}.${payload.name}`;
  if (!chain.index.deployedAt.has(contract)) return null;
  return { reason: 'ContractAlreadyExists', data: { contract_identifier: contract } };
}

function callFault({ contract, fn, args }, chain) {
  const found = chain.interfaceOf(contract);
  if (found === null) return { reason: 'NoSuchContract' };
  const declared = found.functions.find(({ name, access }) => name === fn && access === 'public');
  if (declared === undefined) return { reason: 'NoSuchPublicFunction' };
  const message = argumentsFault(declared, args.map(({ value }) => value));
  return message === null ? null : { reason: 'BadFunctionArgument', data: { message } };
}

/** @param {{args: {type: any}[]}} declared @param {import('./wire/value.mjs').Value[]} values @returns {string | null} */
export function argumentsFault(declared, values) {
  const { args } = declared;
  if (args.length !== values.length) return `expecting ${args.length} arguments, got ${values.length}`;
  const wrong = values.findIndex((value, i) => !admits(args[i].type, value));
  if (wrong < 0) return null;
  return `expecting expression of type '${typeName(args[wrong].type)}', found '${repr(values[wrong]).slice(0, 200)}'`;
}

function poolFault(tx, pool) {
  const rival = pool.rivalOf(tx);
  if (rival !== null) return tx.fee_ustx > rival.fee_ustx ? null : { reason: 'ConflictingNonceInMempool' };
  // Not a node's word: a node's pool is bounded by age only.
  return pool.size < MAX_POOL ? null : { reason: 'MempoolFull', data: { limit: MAX_POOL }, status: 503 };
}

function other(message) {
  return { reason: 'ServerFailureOther', data: { message } };
}
