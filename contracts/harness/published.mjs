// What others' oracle contracts on Stacks cost, beside which COSTS.md shows ours: figures of the
// survey that preceded this project (November 2026), all on the VM that measures ours, in epoch 4.0.
// `writes` were not kept. `about` marks figures that were kept rounded.

/** stacks-pyth-bridge 67703a8 (April 2024), its own mainnet fixtures, deployed as Clarity 2. */
const BRIDGE = "stacks-pyth-bridge 67703a8";
/** stacks-pyth-lazer (July 2026), by its own scripts/measure-costs.mjs. */
const LAZER = "stacks-pyth-lazer, its own measure-costs.mjs";

export const PUBLISHED = [
  {
    name: "wormhole-core-v2 parse-and-verify-vaa, 13 of 19, 952 bytes",
    source: BRIDGE,
    costs: { runtime: 9_181_237, reads: 116, readBytes: 251_054, writeBytes: 0 },
  },
  {
    name: "pyth-oracle-v2 verify-and-update-price-feeds, 1 feed, 1231 bytes",
    source: BRIDGE,
    costs: { runtime: 591_051_914, reads: 303, readBytes: 715_736, writeBytes: 286 },
  },
  {
    name: "guardian set update, the cheapest",
    source: BRIDGE,
    about: true,
    costs: { runtime: 13_970_000, reads: 122, readBytes: 254_000, writeBytes: 3000 },
  },
  {
    name: "guardian set update, the dearest",
    source: BRIDGE,
    about: true,
    costs: { runtime: 19_600_000, reads: 196, readBytes: 405_000, writeBytes: 3000 },
  },
  {
    name: "pyth-lazer verify-price-feeds, 3 feeds, 1 signer",
    source: LAZER,
    costs: { runtime: 7_261_937, reads: 20, readBytes: 47_896, writeBytes: 0 },
  },
  {
    name: "pyth-lazer verify-price-feeds, 16 feeds, 1 signer",
    source: LAZER,
    costs: { runtime: 40_151_560, reads: 20, readBytes: 47_896, writeBytes: 0 },
  },
];

/** What Lazer's own cost review says of epoch 3.x, runtime: of 3 feeds and of 16. */
export const LAZER_REVIEW = ["9.63", "41.9"];

/** Variant R of the prototype, which signed four numbers and two hashes: runtime, reads. */
export const PROTOTYPE = {
  4: [121_542, 6],
  7: [154_253, 6],
  13: [219_675, 6],
  19: [285_097, 6],
  31: [415_941, 6],
};

/** The prototype's evidence contract, of 4 kB, that slashed in a call of its own: runtime, reads. */
export const EVIDENCE = {
  "submit-double-vote (a committee of 31)": [74_510, 5],
  "submit-false-leaf (21 of 31)": [92_688, 6],
};
