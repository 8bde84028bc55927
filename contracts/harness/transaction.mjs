// How long a signed call is, and the least that a node relays it for. Knows no contract.

import { Cl } from "@stacks/transactions";

/** What a Stacks node asks for a byte, microSTX (stacks-core: MINIMUM_TX_FEE_RATE_PER_BYTE). */
export const FEE_RATE = 1;

// version 1 | chain id 4 | auth 1 | hash mode 1, signer 20, nonce 8, fee 8, key encoding 1,
// signature 65 | anchor mode 1 | condition mode 1 | condition count 4
const ENVELOPE_BYTES = 115;
// kind 1 | address 21 | a length before each of the two names 2 | argument count 4
const CALL_BYTES = 28;

/** The length of a contract call, signed by one key, without post-conditions. */
export function callBytes({ contract, name, args }) {
  const [, contractName] = contract.split(".");
  const values = args.reduce((sum, value) => sum + Cl.serialize(value).length / 2, 0);
  return ENVELOPE_BYTES + CALL_BYTES + contractName.length + name.length + values;
}

/** The least fee of a transaction that long, microSTX. */
export function leastFee(bytes) {
  return bytes * FEE_RATE;
}
