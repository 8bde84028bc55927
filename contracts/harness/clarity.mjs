// Clarity sources, read: what is an expression, where it stands, and the same source written with
// one expression a line, so that a VM that counts lines counts expressions.

const TOKEN = /;;[^\n]*|u?"(?:[^"\\]|\\.)*"|[(){},]|[^\s(){},"]+/g;

/** The tokens but for comments, each with its line and where it begins. */
function tokens(source) {
  const found = [];
  let line = 1;
  let at = 0;
  for (const { 0: text, index } of source.matchAll(TOKEN)) {
    for (; at < index; at += 1) if (source[at] === "\n") line += 1;
    if (!text.startsWith(";;")) found.push({ text, line, index });
  }
  return found;
}

/**
 * A source as a tree, and as text with one expression a line. A node is {text} for an atom or
 * {items} for a list or a tuple; `row` is its line in that text, `line` the one in the source,
 * which has it from `at` to `end`.
 */
export function read(source) {
  const rows = [];
  const root = { items: [] };
  const open = [root];
  let afterParenthesis = false;
  for (const { text, line, index } of tokens(source)) {
    if (text === ")" || text === "}" || text === ",") {
      rows[rows.length - 1] += text;
      if (text !== ",") open.pop().end = index + 1;
    } else {
      const opens = text === "(" || text === "{";
      // The VM wants a definition's word right after its parenthesis.
      if (afterParenthesis && !opens) rows[rows.length - 1] += text;
      else rows.push(text);
      const node = opens ? { open: text, items: [] } : { text };
      Object.assign(node, { line, row: rows.length, at: index, end: index + text.length });
      open.at(-1).items.push(node);
      if (opens) open.push(node);
    }
    afterParenthesis = text === "(";
  }
  return { forms: root.items, exploded: `${rows.join("\n")}\n` };
}

/** A node as text on one line. */
export function written(node) {
  if (node.items === undefined) return node.text;
  const inside = node.items.map(written).join(" ");
  return node.open === "{" ? `{ ${inside} }` : `(${inside})`;
}

export const head = (node) => node.items?.[0]?.text;

/** How many arguments in front are names or types, which are not evaluated. */
const NAMES = {
  "contract-call?": 2,
  ...Object.fromEntries(
    `var-get var-set map-get? map-set map-insert map-delete map filter fold get from-consensus-buff?
     ft-mint? ft-burn? ft-transfer? ft-get-balance ft-get-supply nft-mint? nft-burn? nft-transfer?
     nft-get-owner? get-stacks-block-info? get-burn-block-info? get-tenure-info?`
      .split(/\s+/)
      .map((name) => [name, 1]),
  ),
};

/** The expressions that an expression evaluates, in their order; of a branching one all arms. */
export function parts(node) {
  if (node.items === undefined) return [];
  if (node.open === "{") return node.items.filter((_, index) => index % 2 === 1);
  const [, ...args] = node.items;
  switch (head(node)) {
    case "let":
      return [...args[0].items.map(({ items }) => items[1]), ...args.slice(1)];
    case "tuple":
      return args.map(({ items }) => items[1]);
    case "match":
      return [args[0], ...arms(node).map(({ arm }) => arm)];
    case "as-max-len?":
      return args.slice(0, 1); // the length is a literal
    case "as-contract?":
      return [...args[0].items.flatMap(({ items }) => items.slice(-1)), ...args.slice(1)];
    default:
      return args.slice(NAMES[head(node)] ?? 0);
  }
}

/** The arms of a `match`: of an optional, or of a response. */
export function arms(node) {
  const [, , , first, ...rest] = node.items;
  return rest.length === 1
    ? [{ side: "some", arm: first }, { side: "none", arm: rest[0] }]
    : [{ side: "ok", arm: first }, { side: "err", arm: rest[1] }];
}

/** What a definition of a function is called, or undefined. */
export function functionName(form) {
  return /^define-(public|private|read-only)$/.test(head(form)) ? form.items[1].items[0].text : undefined;
}

/** An expression and all that it evaluates, outermost first. */
export function* within(node) {
  yield node;
  for (const part of parts(node)) yield* within(part);
}
