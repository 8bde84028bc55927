/**
 * Decides what an address is: a version byte and a hash160, spelled in c32check.
 * Does not know balances or contracts.
 */
import { createHash } from 'node:crypto';
import c32 from 'c32check';
import { WireError } from './reader.mjs';

export const TESTNET_SINGLE_SIG = 26;
export const TESTNET_MULTI_SIG = 21;

export const CONTRACT_NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,127}$/;
export const CLARITY_NAME = /^(?:[a-zA-Z_][a-zA-Z0-9_!?+<>=/*-]{0,127}|[-+=/*]|[<>]=?)$/;

/** Where fees go: the key of an all-ones hash is not known to anybody. */
export const MINER = c32.c32address(TESTNET_SINGLE_SIG, '11'.repeat(20));

/** @param {number} version @param {string} hash160 hex @returns {string} */
export function encodeAddress(version, hash160) {
  if (version > 31) throw new WireError(`address version ${version} is above 31`);
  return c32.c32address(version, hash160);
}

/** @param {string} text @returns {{version: number, hash160: string}} */
export function decodeAddress(text) {
  try {
    const [version, hash160] = c32.c32addressDecode(text);
    if (hash160.length === 40) return { version, hash160 };
  } catch {
    // Falls through to the one refusal below: the library's reasons are of no use to a caller.
  }
  throw new WireError(`${JSON.stringify(text)} is not a Stacks address`);
}

/** @param {number} version */
export function isTestnet(version) {
  return version === TESTNET_SINGLE_SIG || version === TESTNET_MULTI_SIG;
}

/**
 * @param {string} text `ADDRESS` or `ADDRESS.contract-name`
 * @returns {{version: number, hash160: string, contractName: string | null}}
 */
export function parsePrincipal(text) {
  const dot = text.indexOf('.');
  const contractName = dot < 0 ? null : text.slice(dot + 1);
  if (contractName !== null && !CONTRACT_NAME.test(contractName)) {
    throw new WireError(`${JSON.stringify(contractName)} is not a contract name`);
  }
  return { ...decodeAddress(dot < 0 ? text : text.slice(0, dot)), contractName };
}

/** @param {Uint8Array} bytes @returns {string} hex of ripemd160(sha256(bytes)) */
export function hash160(bytes) {
  return createHash('ripemd160').update(createHash('sha256').update(bytes).digest()).digest('hex');
}
