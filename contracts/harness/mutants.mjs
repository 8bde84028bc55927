// Mutants of a contract: the same with one check left out, so that what it refuses passes.

import { functionName, head, read, within, written } from "./clarity.mjs";
import { nameOf } from "./coverage-page.mjs";
import { shortened } from "./coverage.mjs";

/**
 * One mutant for each `asserts!` in a function, named as its refusal is by `coverage`. `row` is
 * that of the refusal, exploded.
 */
export function mutants(source) {
  return read(source).forms.flatMap((form) => {
    const name = functionName(form);
    if (name === undefined) return [];
    return form.items
      .slice(2)
      .flatMap((node) => [...within(node)])
      .filter((node) => head(node) === "asserts!")
      .map((node) => {
        const [, condition, refusal] = node.items;
        return {
          line: node.line,
          name: nameOf({ function: name, side: "refuses", text: shortened(written(node)) }),
          row: refusal.row,
          source: `${source.slice(0, condition.at)}true${source.slice(condition.end)}`,
        };
      });
  });
}
