// What of a contract ran: its lines, its functions and both sides of each of its decisions.

import { arms, functionName, head, parts, read, within, written } from "./clarity.mjs";

const TEXT_MAX = 160;

/**
 * A contract's coverage. `times[row]` is how often the expression on that row of the exploded
 * source ran. Decisions: each arm of `if` and `match`; that `asserts!` and `unwrap!` let pass and
 * that they refuse; each condition of `and` and `or` past the first. A line is one where an
 * expression of a function begins.
 */
export function coverage(source, times) {
  const functions = read(source)
    .forms.filter((form) => functionName(form) !== undefined)
    .map((form) => covered(form, (node) => timesOf(node, times)));
  return {
    functions: functions.map(({ name, line, hit }) => ({ name, line, hit })),
    lines: functions.flatMap(({ lines }) => lines),
    branches: functions.flatMap(({ branches }) => branches),
  };
}

/** A tuple and a `match` have no count of their own: what stands first in them ran as often. */
function timesOf(node, times) {
  if (node.open === "{" || head(node) === "match") return timesOf(parts(node)[0], times);
  const count = times[node.row];
  if (count === undefined) throw new Error(`the VM does not count ${written(node)}, line ${node.line}`);
  return count;
}

function covered(form, count) {
  const name = functionName(form);
  const body = form.items.slice(2);
  const expressions = body.flatMap((node) => [...within(node)]);
  const hits = new Map();
  for (const node of expressions) hits.set(node.line, hits.get(node.line) || count(node) > 0);
  const lines = [...hits].sort(([a], [b]) => a - b).map(([line, hit]) => ({ function: name, line, hit }));
  const after = new Map(sequence(body));
  const branches = expressions.flatMap((node) =>
    sides(node, after.get(node)).map(({ side, node: arm, hit }) => ({
      function: name,
      line: arm.line,
      side,
      text: shortened(written(decision(node))),
      last: lastLine(arm),
      hit: hit(count),
    })),
  );
  return { name, line: form.line, hit: count(body[0]) > 0, lines, branches };
}

/** The sides of a decision: what each is called, where it stands, and whether it was taken. */
function sides(node, goesOn) {
  const ran = (arm) => (count) => count(arm) > 0;
  switch (head(node)) {
    case "if": {
      const [, , yes, no] = node.items;
      return [
        { side: "true", node: yes, hit: ran(yes) },
        { side: "false", node: no, hit: ran(no) },
      ];
    }
    case "match":
      return arms(node).map(({ side, arm }) => ({ side, node: arm, hit: ran(arm) }));
    case "asserts!": {
      const refusal = node.items[2];
      return [
        { side: "passes", node, hit: (count) => count(node) > count(refusal) },
        { side: "refuses", node: refusal, hit: ran(refusal) },
      ];
    }
    case "unwrap!":
    case "try!":
      // Both evaluate all that stands in them, whatever comes of it.
      if (goesOn === undefined) return [];
      return [
        { side: "goes on", node, hit: (count) => goesOn(count) > 0 },
        { side: "returns", node, hit: (count) => count(node) > goesOn(count) },
      ];
    case "and":
    case "or":
      return node.items.slice(2).map((arm) => ({ side: `reaches ${shortened(written(arm), 60)}`, node: arm, hit: ran(arm) }));
    default:
      return [];
  }
}

/**
 * Each expression with how often the function went on after it, given the counts, where they can
 * tell: by the expression that runs next, or by those of which one does. `goesOn` is that of the
 * last of `nodes`.
 */
function* sequence(nodes, goesOn) {
  for (const [index, node] of nodes.entries()) {
    const next = nodes[index + 1];
    const after = next === undefined ? goesOn : (count) => count(next);
    yield [node, after];
    const [first, ...others] = parts(node);
    switch (head(node)) {
      case "if":
      case "match":
        yield* sequence([first], (count) => others.reduce((sum, arm) => sum + count(arm), 0));
        for (const arm of others) yield* sequence([arm]);
        break;
      case "asserts!":
        yield* sequence([first], after && ((count) => after(count) + count(others[0])));
        break;
      case "and":
      case "or":
        for (const part of parts(node)) yield* sequence([part]);
        break;
      case "try!":
      case "unwrap!":
        yield* sequence(parts(node));
        break;
      default:
        yield* sequence(parts(node), after);
    }
  }
}

/** What a decision is known by: its condition, without the arms. */
function decision(node) {
  const whole = ["and", "or", "asserts!", "unwrap!", "try!"].includes(head(node));
  return whole ? node : { open: "(", items: node.items.slice(0, 2) };
}

const lastLine = (node) => Math.max(node.line, ...(node.items ?? []).map(lastLine));

function shortened(text, most = TEXT_MAX) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
