/**
 * Decides which bytes are a Stacks transaction, what its id is, and who signed it.
 * Knows single-signature, unsponsored transactions only; the others decode to a named refusal.
 * Does not know whether the signer may do what it asks: that is `admission.mjs`.
 *
 * @typedef {object} Transaction
 * @property {string} txid hex without 0x
 * @property {string} hex the raw bytes
 * @property {number} size_bytes
 * @property {number} version 0x80 testnet
 * @property {number} chainId
 * @property {number} hashMode
 * @property {string} signerHash hash160 in hex
 * @property {string} sender address
 * @property {bigint} nonce
 * @property {bigint} fee_ustx
 * @property {number} keyEncoding 0 compressed, 1 uncompressed
 * @property {string} signature hex, v||r||s
 * @property {number} anchorMode
 * @property {'allow' | 'deny' | 'originator'} postConditionMode
 * @property {PostCondition[]} postConditions
 * @property {Payload} payload
 *
 * @typedef {{kind: 'transfer', recipient: string, amount_ustx: bigint, memo: string}
 *   | {kind: 'deploy', name: string, source: string, clarityVersion: number | null}
 *   | {kind: 'call', contract: string, fn: string, args: {hex: string, value: import('./value.mjs').Value}[]}
 *   | {kind: 'unsupported', payloadType: number}} Payload
 *
 * @typedef {object} PostCondition
 * @property {'stx' | 'ft' | 'nft' | 'staking' | 'pox'} kind
 * @property {string | null} principal null means the origin
 * @property {string} [asset] ADDRESS.contract::asset
 * @property {string} [value] hex of the NFT's id
 * @property {number} code
 * @property {bigint} [amount]
 */
import { createHash } from 'node:crypto';
import * as secp from '@noble/secp256k1';
import {
  CLARITY_NAME, CONTRACT_NAME, TESTNET_MULTI_SIG, TESTNET_SINGLE_SIG, encodeAddress, hash160,
} from './address.mjs';
import { ByteReader, WireError, fromHex, toHex } from './reader.mjs';
import { readAddress, readValue } from './value.mjs';

export const TESTNET_VERSION = 0x80;
export const TESTNET_CHAIN_ID = 0x80000000;

/** The longest transaction a block can hold, in bytes. */
export const MAX_TRANSACTION_BYTES = 2 * 1024 * 1024;

/** Offsets inside a single-signature transaction: version 1, chain id 4, auth 1, hash mode 1, signer 20. */
const NONCE_AT = 27;
const FEE_AT = 35;
const SIGNATURE_AT = 44;
const SIGNATURE_END = 109;

const MODES = { 1: 'allow', 2: 'deny', 3: 'originator' };
const SOURCE = /^[\x20-\x7e\t\n\r]*$/;

/** @param {Uint8Array} bytes @returns {string} hex */
export function txidOf(bytes) {
  return createHash('sha512-256').update(bytes).digest('hex');
}

/** @param {Uint8Array} bytes @returns {Transaction} throws WireError */
export function decodeTransaction(bytes) {
  if (bytes.length > MAX_TRANSACTION_BYTES) throw new WireError(`longer than ${MAX_TRANSACTION_BYTES} bytes`);
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  const chainId = reader.u32();
  const auth = readAuth(reader);
  const anchorMode = oneOf(reader.u8(), [1, 2, 3], 'anchor mode');
  const postConditionMode = MODES[oneOf(reader.u8(), [1, 2, 3], 'post-condition mode')];
  const postConditions = readPostConditions(reader);
  const payload = readPayload(reader);
  if (payload.kind !== 'unsupported') reader.end();
  const sender = encodeAddress(auth.hashMode === 0 ? TESTNET_SINGLE_SIG : TESTNET_MULTI_SIG, auth.signerHash);
  return {
    txid: txidOf(bytes), hex: toHex(bytes), size_bytes: bytes.length, version, chainId, ...auth, sender,
    anchorMode, postConditionMode, postConditions, payload,
  };
}

/**
 * Why the signature does not hold, or null.
 * presign = sha512/256(sha512/256(tx with nonce, fee and signature zeroed) || auth 04 || fee || nonce), fee first.
 * @param {Transaction} tx
 * @returns {string | null}
 */
export function signatureFault(tx) {
  const cleared = fromHex(tx.hex);
  const feeAndNonce = [cleared.slice(FEE_AT, FEE_AT + 8), cleared.slice(NONCE_AT, NONCE_AT + 8)];
  cleared.fill(0, NONCE_AT, FEE_AT + 8);
  cleared.fill(0, SIGNATURE_AT, SIGNATURE_END);
  const presign = createHash('sha512-256')
    .update(createHash('sha512-256').update(cleared).digest()).update(Uint8Array.of(4));
  for (const part of feeAndNonce) presign.update(part);
  try {
    const recovery = Number.parseInt(tx.signature.slice(0, 2), 16);
    const signature = secp.Signature.fromCompact(tx.signature.slice(2));
    if (signature.hasHighS()) return 'Invalid signature: high-S';
    const key = secp.recoverPublicKey(presign.digest(), signature, recovery, tx.keyEncoding === 0);
    const hash = signerHash(tx.hashMode, key);
    return hash === tx.signerHash ? null : `Signer hash does not equal hash of public key: ${hash} != ${tx.signerHash}`;
  } catch {
    return 'Failed to recover a public key from the signature';
  }
}

function signerHash(hashMode, key) {
  // 0x02 is P2WPKH nested in P2SH: the hash of the witness program, not of the key.
  return hashMode === 0 ? hash160(key) : hash160(Buffer.from(`0014${hash160(key)}`, 'hex'));
}

function oneOf(value, allowed, what) {
  if (!allowed.includes(value)) throw new WireError(`${value} is no ${what}`);
  return value;
}

function readAuth(reader) {
  const type = oneOf(reader.u8(), [4, 5], 'authorization type');
  if (type === 5) throw new WireError('sponsored transactions are not supported by this devnet');
  const hashMode = oneOf(reader.u8(), [0, 1, 2, 3, 5, 7], 'hash mode');
  if (hashMode % 2 === 1) throw new WireError('multi-signature transactions are not supported by this devnet');
  const signerHashHex = toHex(reader.take(20));
  const nonce = reader.u64();
  const fee_ustx = reader.u64();
  const keyEncoding = oneOf(reader.u8(), hashMode === 2 ? [0] : [0, 1], 'key encoding');
  return { hashMode, signerHash: signerHashHex, nonce, fee_ustx, keyEncoding, signature: toHex(reader.take(65)) };
}

function readPostConditions(reader) {
  const count = reader.u32();
  if (count > reader.remaining) throw new WireError(`claims ${count} post-conditions`);
  return Array.from({ length: count }, () => readPostCondition(reader));
}

function readPostCondition(reader) {
  const kind = ['stx', 'ft', 'nft', 'staking', 'pox'][oneOf(reader.u8(), [0, 1, 2, 3, 4], 'post-condition')];
  const principal = readConditionPrincipal(reader);
  const condition = { kind, principal };
  if (kind === 'ft' || kind === 'nft') {
    const address = readAddress(reader);
    const contract = reader.name(CONTRACT_NAME, 'contract name');
    condition.asset = `${address}.${contract}::${reader.name(CLARITY_NAME, 'asset name')}`;
  }
  if (kind === 'nft') {
    const start = reader.offset;
    readValue(reader);
    condition.value = toHex(reader.bytes.subarray(start, reader.offset));
    return { ...condition, code: oneOf(reader.u8(), [0x10, 0x11, 0x12], 'NFT condition') };
  }
  if (kind === 'pox') return { ...condition, code: reader.u8() };
  return { ...condition, code: oneOf(reader.u8(), [1, 2, 3, 4, 5], 'condition'), amount: reader.u64() };
}

function readConditionPrincipal(reader) {
  switch (oneOf(reader.u8(), [1, 2, 3], 'post-condition principal')) {
    case 1: return null;
    case 2: return readAddress(reader);
    default: {
      const address = readAddress(reader);
      return `${address}.${reader.name(CONTRACT_NAME, 'contract name')}`;
    }
  }
}

/** @returns {Payload} */
function readPayload(reader) {
  const payloadType = reader.u8();
  switch (payloadType) {
    case 0x00: return readTransfer(reader);
    case 0x01: return readDeploy(reader, null);
    case 0x02: return readCall(reader);
    case 0x06: return readDeploy(reader, oneOf(reader.u8(), [1, 2, 3, 4, 5, 6], 'Clarity version'));
    default:
      // 03 poison, 04 05 08 coinbase, 07 tenure change: a node refuses them from the pool by name, unread.
      return { kind: 'unsupported', payloadType: oneOf(payloadType, [3, 4, 5, 7, 8], 'payload type') };
  }
}

function readTransfer(reader) {
  const recipient = readValue(reader);
  if (recipient.type !== 'principal') throw new WireError('the recipient is not a principal');
  return { kind: 'transfer', recipient: recipient.value, amount_ustx: reader.u64(), memo: toHex(reader.take(34)) };
}

function readDeploy(reader, clarityVersion) {
  const name = reader.name(CONTRACT_NAME, 'contract name');
  const source = Buffer.from(reader.take(reader.u32())).toString('latin1');
  if (!SOURCE.test(source)) throw new WireError('the contract holds a character that is not printable ASCII');
  return { kind: 'deploy', name, source, clarityVersion };
}

function readCall(reader) {
  const address = readAddress(reader);
  const contract = `${address}.${reader.name(CONTRACT_NAME, 'contract name')}`;
  const fn = reader.name(CLARITY_NAME, 'function name');
  const count = reader.u32();
  if (count > reader.remaining) throw new WireError(`claims ${count} arguments`);
  const args = Array.from({ length: count }, () => {
    const start = reader.offset;
    const value = readValue(reader);
    return { hex: toHex(reader.bytes.subarray(start, reader.offset)), value };
  });
  return { kind: 'call', contract, fn, args };
}
