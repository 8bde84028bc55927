// Energy as tests need it: meters that are registered and verified, windows attested by
// the committee with the leaves they name, and each leaf's proof. No contract takes energy
// in any other way.

import { Cl } from "@stacks/transactions";
import { nodeKey } from "../harness/committee.mjs";
import { clarityLeaf, hash32, leafOf, leafProof } from "../harness/entries.mjs";
import { Network, WINDOW_S } from "../harness/network.mjs";

export const VERIFIER = "verifier";
export const ZONE = 1;

export interface Proof {
  revision: number;
  zone: number;
  leaf: any;
  /** revision, zone, leaf, index, siblings: the arguments of `verify-leaf`. */
  args: any[];
  /** The same as one tuple, as lists of proofs take it. */
  tuple: any;
}

let drawn = 0;

/** Registers a user unless it is one; kind 1 household, 2 producer, 3 consumer, 4 utility. */
export function registerUser(net: Network, who: string, kind = 1): void {
  if (net.view("registration", "get-user", [Cl.principal(who)])) return;
  const args = [Cl.uint(kind), Cl.buffer(hash32(`user ${who}`))];
  net.expectOk(net.call("registration", "register-user", args, who));
}

/** A device pending verification; gives its id. */
export function registerMeter(net: Network, owner: string, fields: any = {}): number {
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
  return Number((net.expectOk(outcome).result as any).value.value);
}

/** The deployer verifies: it takes the role first if it lacks it. */
export function verifyMeter(net: Network, device: number): void {
  const held = net.view("roles", "has-role", [Cl.principal(net.deployer), Cl.stringAscii(VERIFIER)]);
  if (!held) net.expectOk(net.grant(net.deployer, VERIFIER));
  net.expectOk(net.call("registration", "verify-asset", [Cl.uint(device)]));
}

/** A device in the registry; gives its id. source 1 solar, 2 wind, 3 hydro, 4 biomass. */
export function enrolMeter(net: Network, owner: string, fields: any = {}): number {
  const device = registerMeter(net, owner, fields);
  verifyMeter(net, device);
  return device;
}

/**
 * Attests a window in which each of `leaves` ({usagePoint, importWh, exportWh, …}) was read, and
 * opens its zones. A leaf's `zone` is ZONE if it names none. Gives the proof of each by usage point.
 */
export function attestEnergy(net: Network, window: number, leaves: any[], said: any = {}): Map<number, Proof> {
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
  const proofs = byZone.flatMap(({ zone, leaves: sorted }) =>
    sorted.map((leaf, at): [number, Proof] => [leaf.usagePoint, proofOf(sorted, at, zone, revision)]),
  );
  return new Map(proofs);
}

/** The proof of the leaf at a place among all leaves of its zone. */
export function proofOf(leaves: any[], at: number, zone = ZONE, revision = 0): Proof {
  const leaf = leaves[at];
  const { index, siblings } = leafProof(leaves, at);
  const value = clarityLeaf(leaf);
  const parts = { revision: Cl.uint(revision), zone: Cl.uint(zone), leaf: value, index, siblings };
  return { revision, zone, leaf, args: Object.values(parts), tuple: Cl.tuple(parts) };
}

/** Lists a principal as a producer of energy, unless it is one. */
export function registerProducer(net: Network, who: string, source = 1): void {
  if (net.view("registration", "get-producer-info", [Cl.principal(who)])) return;
  registerUser(net, who, 2);
  const args = [Cl.stringAscii("Producer"), Cl.uint(source), Cl.buffer(hash32(`site ${who}`))];
  net.expectOk(net.call("registration", "register-producer", args, who));
}

/** A chain on which proven energy becomes ENERGY: energy-production-tracking may mint. */
export async function producing(members = 4): Promise<Network> {
  const net = await Network.disputing(members);
  net.expectOk(net.grant(`${net.deployer}.energy-production-tracking`, "minter"));
  return net;
}

/** Records a proven leaf as production: ENERGY for the meter's owner, who must be a producer. */
export function recordProduction(net: Network, proof: Proof, by = net.outsider): any {
  return net.call("energy-production-tracking", "record-energy-production", proof.args, by);
}
