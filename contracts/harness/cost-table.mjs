// Reads the table of COSTS.md back, and says what has become dearer than it.

const COSTS = ["runtime", "reads", "readBytes", "writes", "writeBytes", "fee"];
const END = "\n## ";

/** The rows of the page's first table, by name. */
export function committedCosts(page) {
  const rows = new Map();
  for (const line of page.split(END)[0].split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== COSTS.length + 4 || !/^[\d ]+$/.test(cells[2])) continue;
    const numbers = cells.slice(2).map((cell) => Number(cell.replaceAll(" ", "")));
    rows.set(cells[1], Object.fromEntries(COSTS.map((cost, at) => [cost, numbers[at]])));
  }
  return rows;
}

/** A sentence for each measured cost that is above the committed one, or not committed. */
export function regressions(committed, measured) {
  const worse = [];
  for (const row of measured) {
    const before = committed.get(row.name);
    if (!before) {
      worse.push(`${row.name}: not in COSTS.md`);
      continue;
    }
    for (const cost of COSTS) {
      if (row[cost] > before[cost]) {
        worse.push(`${row.name}: ${cost} ${row[cost]}, was ${before[cost]}`);
      }
    }
  }
  return worse;
}
