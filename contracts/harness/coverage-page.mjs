// What did not run, each with the reason why it cannot, which somebody wrote and reviewed.

/**
 * What of a contract did not run, outermost first: sides of decisions, and lines that lie in none
 * of them. `name` says which it is without a line number, so that a reason outlives an edit above.
 */
export function uncovered(contract, source, { branches, lines }) {
  const text = source.split("\n").map((line) => line.replace(/;;.*/, "").trim());
  const sides = branches
    .filter(({ hit }) => !hit)
    .map((branch) => ({ contract, line: branch.line, last: branch.last, name: nameOf(branch) }));
  const bare = lines
    .filter(({ line, hit }) => !hit && !sides.some((side) => side.line <= line && line <= side.last))
    .map(({ function: name, line }) => ({ contract, line, last: line, name: `${name}: line ${text[line - 1]}` }));
  return [...sides, ...bare].sort((a, b) => a.line - b.line);
}

/** What a reason calls a side of a decision. */
export const nameOf = (branch) => `${branch.function}: ${branch.side}: ${branch.text}`;

/**
 * `found` with its reasons, and what does not fit: found without a reason, and reasons for what
 * runs or is gone. `reasons` is {contract: [{reason, uncovered: [names]}]}.
 */
export function join(found, reasons) {
  const written = Object.entries(reasons).flatMap(([contract, groups]) =>
    groups.flatMap(({ reason, uncovered: names }) => names.map((name) => ({ contract, name, reason }))),
  );
  const key = ({ contract, name }) => `${contract} ${name}`;
  const reasonOf = new Map(written.map((entry) => [key(entry), entry.reason]));
  const there = new Set(found.map(key));
  return {
    explained: found
      .filter((gap) => reasonOf.has(key(gap)))
      .map((gap) => ({ ...gap, reason: reasonOf.get(key(gap)) })),
    unexplained: found.filter((gap) => !reasonOf.has(key(gap))),
    stale: written.filter((entry) => !there.has(key(entry))),
  };
}

/** One row a contract, and the sum. */
export function table(measured) {
  const rows = measured.map(([name, { lines, functions, branches }]) => [name, [lines, functions, branches].map(tally)]);
  const sum = [0, 1, 2].map((at) => ({
    hit: rows.reduce((total, [, cells]) => total + cells[at].hit, 0),
    all: rows.reduce((total, [, cells]) => total + cells[at].all, 0),
  }));
  return [...rows, ["**all**", sum]].map(([name, cells]) => `| ${name} | ${cells.map(share).join(" | ")} |`).join("\n");
}

const tally = (things) => ({ hit: things.filter(({ hit }) => hit).length, all: things.length });

function share({ hit, all }) {
  const percent = all === 0 ? "" : ` (${(Math.floor((1000 * hit) / all) / 10).toFixed(1)} %)`;
  return `${hit} / ${all}${percent}`;
}

/** What did not run, by contract and reason. */
export function explanations(explained) {
  return [...grouped(explained, ({ contract }) => contract)]
    .map(([contract, gaps]) => {
      const reasons = [...grouped(gaps, ({ reason }) => reason)].map(([reason, same]) => {
        const lines = same.map(({ line, name }) => `- line ${line}, \`${name}\``);
        return `${reason}\n\n${lines.join("\n")}`;
      });
      return `### ${contract}\n\n${reasons.join("\n\n")}`;
    })
    .join("\n\n");
}

function grouped(things, keyOf) {
  const groups = new Map();
  for (const thing of things) groups.set(keyOf(thing), [...(groups.get(keyOf(thing)) ?? []), thing]);
  return groups;
}

/** COVERAGE.md. */
export function page(measured, explained) {
  return `# What of the contracts the tests run

Written by \`make coverage\`, which runs the Vitest files of [tests](tests), but for those of random calls, on the real
VM, and counts how often every expression of every contract runs. For that the VM gets each contract with one expression
a line, so that the line counts which the SDK reports are counts of expressions. The SDK's own branches are fewer: they
do not know \`unwrap!\` and \`try!\`.

- A **line** is one on which an expression of a function begins; it is covered if one of them ran.
- A **branch** is one side of a decision: an arm of \`if\` and \`match\`; that \`asserts!\` lets pass, and that it refuses;
  that the function goes on after \`unwrap!\` and \`try!\`, and that it returns there (told by how often what comes next
  ran; a few that nothing certain follows are left out); a condition of \`and\` and \`or\` that those before it left open.
- Not counted: \`default-to\`, whose default is always evaluated; constants and first values, which run once, at
  deployment; the two traits, which have no functions.

| contract | lines | functions | branches |
|---|--:|--:|--:|
${table(measured)}

## What did not run, and why

Nothing here can run, whatever anybody sends, for the reason above it. The reasons stand in
[coverage-reasons.json](coverage-reasons.json). \`make coverage\` fails for anything that did not run and has none, and for
a reason whose subject runs or is gone.

${explanations(explained)}

## What no test notices

That a line ran does not say that a test looks at what it did. \`make mutants\` leaves out one \`asserts!\` at a time, of
the eight contracts that hold money or of those named (\`make mutants CONTRACT=roles\`), and runs tests that come to its
refusal: one must fail. It names those that none notices; where no test can tell a mutant from the contract, the reason
stands in [mutants-reasons.json](mutants-reasons.json). Checks whose refusal is listed above are left alone.

On 21 November 2026, with the tests of that day: energy-token 6 of 6 noticed, reward-distributor 1 of 1,
payment-settlement 25 of 25, oracle-staking 29 of 29, commitment 22 of 22, carbon-offset-integration 17 of 19, the other two
with a reason.
`;
}
