// How often each line of the contracts ran, gathered over all the chains of one process. Off
// unless `make coverage` says where the counts go.

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const FOLDER = process.env.WATTEST_EXECUTED;

export const counting = FOLDER !== undefined;

let counts = {}; // contract -> how often, by line
let vm;
let chains = 0; // made since the last test

/** Takes over what a chain counted; a new chain forgets it. */
export function gather(simnet) {
  if (!counting) return;
  chains += 1;
  vm = simnet;
  const { coverage } = simnet.collectReport(false, "");
  let lines;
  for (const entry of coverage.split("\n")) {
    if (entry.startsWith("SF:")) lines = counts[basename(entry, ".clar")] ??= [];
    if (!entry.startsWith("DA:")) continue;
    const [line, times] = entry.slice(3).split(",").map(Number);
    lines[line] = (lines[line] ?? 0) + times;
  }
}

/** Writes what was counted since this process began. */
export function keep() {
  if (vm === undefined) return;
  gather(vm);
  write(counts);
}

/** Before a test's own preparations. */
export function begin() {
  chains = 0;
}

/** Writes what was counted since the last test, which belongs to this one; and whether it made a chain of its own. */
export function keepOf(test) {
  if (vm === undefined) return;
  const ownChain = chains > 0;
  gather(vm);
  write({ ...test, ownChain, counts });
  counts = {};
}

function write(said) {
  writeFileSync(join(FOLDER, `${randomUUID()}.json`), JSON.stringify(said));
}
