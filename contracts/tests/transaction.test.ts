// The length that the least fee of COSTS.md is reckoned from is that of a transaction on the wire.

import { Cl, makeContractCall } from "@stacks/transactions";
import { describe, expect, it } from "vitest";
import { callBytes, leastFee } from "../harness/transaction.mjs";

const ADDRESS = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM";
const KEY = "01".repeat(32) + "01";
const CALLS = [
  ["roles", "pause", []],
  ["energy-token", "transfer", [Cl.uint(1), Cl.principal(ADDRESS), Cl.contractPrincipal(ADDRESS, "marketplace"), Cl.none()]],
  ["commitment", "record-readings", [Cl.list([Cl.tuple({ record: Cl.buffer(new Uint8Array(32)), sound: Cl.bool(true) })])]],
] as const;

describe("a signed call", () => {
  it.each(CALLS)("of %s %s is as long as what is sent", async (contract, name, args) => {
    const transaction = await makeContractCall({
      contractAddress: ADDRESS,
      contractName: contract,
      functionName: name,
      functionArgs: [...args],
      senderKey: KEY,
      network: "testnet",
      fee: 1,
      nonce: 0,
      postConditions: [],
    });
    const bytes = transaction.serializeBytes().length;
    expect(callBytes({ contract: `${ADDRESS}.${contract}`, name, args: [...args] })).toBe(bytes);
    expect(leastFee(bytes)).toBe(bytes);
  });
});
