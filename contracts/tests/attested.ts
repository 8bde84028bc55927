// Energy as tests need it, with types: the harness's meters, attested windows and proofs.

export * from "../harness/attested.mjs";

export interface Proof {
  revision: number;
  zone: number;
  leaf: any;
  /** revision, zone, leaf, index, siblings: the arguments of `verify-leaf`. */
  args: any[];
  /** The same as one tuple, as lists of proofs take it. */
  tuple: any;
}
