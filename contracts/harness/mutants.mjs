// Mutants of a contract: the same with one check left out, so that what it refuses passes.

import { functionName, head, read, within, written } from "./clarity.mjs";

/** One mutant for each `asserts!` in a function. `row` is that of its refusal, exploded. */
export function mutants(source) {
  return read(source)
    .forms.filter((form) => functionName(form) !== undefined)
    .flatMap((form) => form.items.slice(2).flatMap((node) => [...within(node)]))
    .filter((node) => head(node) === "asserts!")
    .map(({ line, items: [, condition, refusal] }) => ({
      line,
      condition: written(condition),
      row: refusal.row,
      source: `${source.slice(0, condition.at)}true${source.slice(condition.end)}`,
    }));
}
