// Energy as tests and costs need it: meters that are registered and verified, windows attested by
// the committee with the leaves they name, and each leaf's proof. No contract takes energy
// in any other way.

import { Cl } from "@stacks/transactions";
import { doubleHash, nodeKey, quorum, slots } from "./committee.mjs";
import { clarityLeaf, hash32, leafHash, leafHashes, leafOf, leafProof } from "./entries.mjs";
import { Network, WINDOW_S } from "./network.mjs";

export const VERIFIER = "verifier";
export const ZONE = 1;

let drawn = 0;

/** Registers a user unless it is one; kind 1 household, 2 producer, 3 consumer, 4 utility. */
export function registerUser(net, who, kind = 1) {
  if (net.view("registration", "get-user", [Cl.principal(who)])) return;
  const args = [Cl.uint(kind), Cl.buffer(hash32(`user ${who}`))];
  net.expectOk(net.call("registration", "register-user", args, who));
}

/** A device pending verification; gives its id. */
export function registerMeter(net, owner, fields = {}) {
  const unique = ++drawn;
  const all = { zone: ZONE, kind: 1, source: 1, capacityW: 5000, validUntil: 0, ...fields };
  registerUser(net, owner);
  const outcome = net.call(
    "registration",
    "register-device",
    [
      Cl.uint(unique),
      Cl.stringAscii(`Device ${unique}`),
      Cl.uint(all.capacityW),
      Cl.tuple({
        zone: Cl.uint(all.zone),
        kind: Cl.uint(all.kind),
        curve: Cl.uint(1),
        key: Cl.buffer(nodeKey(`meter ${unique}`).public),
        "meter-id": Cl.buffer(hash32(`meter ${unique}`)),
        location: Cl.buffer(hash32(`location ${unique}`)),
        source: Cl.uint(all.source),
        "valid-until": Cl.uint(all.validUntil),
      }),
    ],
    owner,
  );
  return Number(net.expectOk(outcome).result.value.value);
}

/** The deployer verifies: it takes the role first if it lacks it. */
export function verifyMeter(net, device) {
  const held = net.view("roles", "has-role", [Cl.principal(net.deployer), Cl.stringAscii(VERIFIER)]);
  if (!held) net.expectOk(net.grant(net.deployer, VERIFIER));
  net.expectOk(net.call("registration", "verify-asset", [Cl.uint(device)]));
}

/** A device in the registry; gives its id. source 1 solar, 2 wind, 3 hydro, 4 biomass. */
export function enrolMeter(net, owner, fields = {}) {
  const device = registerMeter(net, owner, fields);
  verifyMeter(net, device);
  return device;
}

/**
 * Attests a window in which each of `leaves` ({usagePoint, importWh, exportWh, …}) was read, and
 * opens its zones. A leaf's `zone` is ZONE if it names none. Gives the proof of each by usage point.
 */
export function attestEnergy(net, window, leaves, said = {}) {
  const { revision = 0 } = said;
  const full = leaves.map(({ zone = ZONE, ...fields }) => ({
    zone,
    leaf: leafOf({ window, since: window - WINDOW_S, ...fields }),
  }));
  const zones = [...new Set(full.map(({ zone }) => zone))].sort((a, b) => a - b);
  const byZone = zones.map((zone) => ({
    zone,
    leaves: full
      .filter((one) => one.zone === zone)
      .map(({ leaf }) => leaf)
      .sort((a, b) => a.usagePoint - b.usagePoint),
  }));
  net.attest(window, byZone, said);
  const proofs = byZone.flatMap(({ zone, leaves: sorted }) => {
    const hashes = leafHashes(sorted);
    return sorted.map((leaf, at) => [leaf.usagePoint, proofOf(sorted, at, zone, revision, hashes)]);
  });
  return new Map(proofs);
}

/**
 * The proof of the leaf at a place among all leaves of its zone: {revision, zone, leaf, args, tuple},
 * where args are those of `verify-leaf` in their order and tuple is the same in one value.
 */
export function proofOf(leaves, at, zone = ZONE, revision = 0, hashes = leafHashes(leaves)) {
  const leaf = leaves[at];
  const { index, siblings } = leafProof(leaves, at, hashes);
  const value = clarityLeaf(leaf);
  const parts = { revision: Cl.uint(revision), zone: Cl.uint(zone), leaf: value, index, siblings };
  return { revision, zone, leaf, args: Object.values(parts), tuple: Cl.tuple(parts) };
}

/** Lists a principal as a producer of energy, unless it is one. */
export function registerProducer(net, who, source = 1) {
  if (net.view("registration", "get-producer-info", [Cl.principal(who)])) return;
  registerUser(net, who, 2);
  const args = [Cl.stringAscii("Producer"), Cl.uint(source), Cl.buffer(hash32(`site ${who}`))];
  net.expectOk(net.call("registration", "register-producer", args, who));
}

/** A chain on which proven energy becomes ENERGY: energy-production-tracking may mint. */
export async function producing(members = 4) {
  const net = await Network.disputing(members);
  net.expectOk(net.grant(`${net.deployer}.energy-production-tracking`, "minter"));
  return net;
}

/** Records a proven leaf as production: ENERGY for the meter's owner, who must be a producer. */
export function recordProduction(net, proof, by = net.outsider) {
  return net.call("energy-production-tracking", "record-energy-production", proof.args, by);
}

/** Attests a leaf as the first of 2^depth in its zone, the dearest proof there is; gives it. */
export function attestDeep(net, leaf, depth = 20) {
  const path = slots(depth).map((n) => hash32(`sibling ${n}`));
  const above = (left, right) => doubleHash(Buffer.concat([left, right]));
  const root = path.reduce(above, leafHash(clarityLeaf(leaf)));
  const zone = { zone: ZONE, leaves: [leaf], root, leafCount: 2 ** depth };
  net.attest(leaf.window, [zone], {}, { signers: slots(quorum(net.committee.length)) });
  return { index: Cl.uint(0), siblings: Cl.list(path.map((sibling) => Cl.buffer(sibling))) };
}
