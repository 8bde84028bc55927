// Operators' node keys and what they sign: votes, certificates, proofs of possession.
// Keys are drawn from a seed, so every run signs the same bytes. Knows no contract.

import { hmac } from "@noble/hashes/hmac";
import { sha256 } from "@noble/hashes/sha2";
import * as secp from "@noble/secp256k1";
import { Cl } from "@stacks/transactions";

secp.etc.hmacSha256Sync = (key, ...parts) => hmac(sha256, key, secp.etc.concatBytes(...parts));

export const COMMIT = 2;
export const PREVOTE = 1;
export const ABSENT = new Uint8Array();

/** A node key: {secret, public} with the compressed point that contracts know. */
export function nodeKey(seed) {
  const secret = sha256(new TextEncoder().encode(`node key ${seed}`));
  return { secret, public: secp.getPublicKey(secret, true) };
}

/** 65 bytes r||s||v over a 32-byte hash, low s. */
export function sign(hash, key) {
  const signature = secp.sign(hash, key.secret, { lowS: true });
  return Uint8Array.from([...signature.toCompactRawBytes(), signature.recovery]);
}

/** The same signature with the other s: what a forger can make of a valid one. */
export function highS(signature) {
  const s = BigInt(`0x${Buffer.from(signature.slice(32, 64)).toString("hex")}`);
  const other = (secp.CURVE.n - s).toString(16).padStart(64, "0");
  return Uint8Array.from([
    ...signature.slice(0, 32),
    ...Buffer.from(other, "hex"),
    signature[64] ^ 1,
  ]);
}

/** sha256 of a value's consensus bytes. */
export function digestOf(value) {
  return sha256(Buffer.from(Cl.serialize(value), "hex"));
}

/** Bitcoin's double hash, of bytes. */
export function doubleHash(bytes) {
  return sha256(sha256(bytes));
}

export function faults(members) {
  return Math.floor((members - 1) / 3);
}

export function quorum(members) {
  return Math.floor((members + faults(members)) / 2) + 1;
}

/** The hash a member signs to vote (A6). */
export function voteHash({ network, epoch, height, round = 0, phase = COMMIT, digest }) {
  return digestOf(
    Cl.tuple({
      topic: Cl.stringAscii("vote"),
      network: Cl.buffer(network),
      epoch: Cl.uint(epoch),
      height: Cl.uint(height),
      round: Cl.uint(round),
      phase: Cl.uint(phase),
      digest: digest === null ? Cl.none() : Cl.some(Cl.buffer(digest)),
    }),
  );
}

/** Slot-aligned signatures on a vote: those of `signers` (slot numbers), 0x elsewhere. */
export function certify(vote, keys, signers) {
  const hash = voteHash(vote);
  return keys.map((key, slot) => (signers.includes(slot) ? sign(hash, key) : ABSENT));
}

/** The slots 0 .. count-1. */
export function slots(count) {
  return Array.from({ length: count }, (_, slot) => slot);
}

export function signatureList(signatures) {
  return Cl.list(signatures.map((signature) => Cl.buffer(signature)));
}

/** A node key's signature that it belongs to `owner`, as register-operator wants it. */
export function keyProof({ staking, owner, chainId, key }) {
  return sign(
    digestOf(
      Cl.tuple({
        topic: Cl.stringAscii("node-key"),
        "chain-id": Cl.uint(chainId),
        staking: Cl.principal(staking),
        owner: Cl.principal(owner),
      }),
    ),
    key,
  );
}
