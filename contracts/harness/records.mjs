// Records as leaves name them: a gateway's batch and its items, as Clarity values.

import { sha256 } from "@noble/hashes/sha2";
import { Cl } from "@stacks/transactions";

/** A record's identity (R1). */
export function recordHash(bytes) {
  return sha256(bytes);
}

/** Two registers that a gateway read itself. */
export function registerItem(usagePoint, timeS, importWh, exportWh) {
  const registers = { "import-register": Cl.uint(importWh), "export-register": Cl.uint(exportWh) };
  return { usagePoint, timeS, format: "register", data: Buffer.from(Cl.serialize(Cl.tuple(registers)), "hex") };
}

/** A batch over such items; its signature is not looked at by any contract. */
export function batchOf(items, { topic = "wattest-batch", gateway = 100, sequence = 1 } = {}) {
  return Cl.tuple({
    topic: Cl.stringAscii(topic),
    gateway: Cl.uint(gateway),
    sequence: Cl.uint(sequence),
    items: Cl.list(
      items.map((item) =>
        Cl.tuple({
          "usage-point": Cl.uint(item.usagePoint),
          "time-s": Cl.uint(item.timeS),
          format: Cl.stringAscii(item.format),
          data: Cl.buffer(item.data),
        }),
      ),
    ),
    signature: Cl.buffer(new Uint8Array(64).fill(9)),
  });
}
