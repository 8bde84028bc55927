// How often each line of the contracts ran, gathered over all the chains of one process. Off
// unless `make coverage` says where the counts go.

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const FOLDER = process.env.WATTEST_EXECUTED;

export const counting = FOLDER !== undefined;

const counts = {}; // contract -> how often, by line
let vm;

/** Takes over what a chain counted; a new chain forgets it. */
export function gather(simnet) {
  if (!counting) return;
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
  writeFileSync(join(FOLDER, `${randomUUID()}.json`), JSON.stringify(counts));
}
