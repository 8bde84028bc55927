// E1: two votes of one key for one place cost it a share of its bond, and nothing else does.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { highS, nodeKey, PREVOTE, sign, voteHash } from "../harness/committee.mjs";
import { hash32 } from "../harness/entries.mjs";
import { MIN_STAKE, Network, UNBONDING_S } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

let net: Network;
let hunter: string;

interface Said {
  digest: Uint8Array | null;
  epoch?: number;
  key?: any;
  network?: Uint8Array;
  signature?: Uint8Array;
}

const place = { height: 9, round: 1, phase: PREVOTE };

/** A vote as evidence shows it, signed as it says or with the signature given. */
function vote(said: Said, at = place) {
  const { digest, epoch = 1, key = net.committee[2], network = net.network() } = said;
  const hash = voteHash({ network, epoch, digest, ...at });
  return Cl.tuple({
    epoch: Cl.uint(epoch),
    digest: digest === null ? Cl.none() : Cl.some(Cl.buffer(digest)),
    signature: Cl.buffer(said.signature ?? sign(hash, key)),
  });
}

function submit(first: Said, second: Said, at = place, sentAt = at, by = hunter) {
  const { height, round, phase } = sentAt;
  return net.call(
    "dispute-resolution",
    "submit-double-vote",
    [Cl.uint(height), Cl.uint(round), Cl.uint(phase), vote(first, at), vote(second, at)],
    by,
  );
}

const one = { digest: hash32("one") };
const other = { digest: hash32("other") };
const operator = (id: number) => net.view("oracle-staking", "get-operator", [Cl.uint(id)]);

beforeEach(async () => {
  net = await Network.disputing(4);
  hunter = net.outsider;
});

describe("submit-double-vote", () => {
  it("takes a fifth of the bond, a tenth of that for who shows it, and bars the operator", () => {
    const before = net.balance(hunter);
    const outcome = submit(one, other);
    const verdict = { slashed: 200_000_000n, bounty: 20_000_000n, burned: 180_000_000n };
    expect(expectOk(outcome)).toEqual({ operator: 3n, ...verdict });
    expect(expectEvent(outcome, "double-vote")).toMatchObject({ operator: 3n, height: 9n, ...verdict });
    expectEvent(outcome, "slashed");
    expect(net.balance(hunter) - before).toBe(20_000_000n);
    expect(operator(3)).toMatchObject({ stake: 800_000_000n, barred: true });
    expectErr(net.propose([1, 2, 3, 4]), 325);
    const shown = net.view(
      "dispute-resolution",
      "get-double-vote",
      [3, place.height, place.round, place.phase].map((n) => Cl.uint(n)),
    );
    expect(shown).toBe(hunter);
  });

  it("counts a vote for nothing as a vote for something else", () => {
    expectOk(submit(one, { digest: null }));
    expectErr(submit({ digest: null }, { digest: null }), 504);
  });

  it("punishes once for each place, in whatever order and with whatever other vote", () => {
    expectOk(submit(one, other));
    expectErr(submit(one, other), 506);
    expectErr(submit(other, one), 506);
    expectErr(submit(one, { digest: hash32("third") }), 506);
    expectErr(submit(one, other, place, place, net.wallets[0]), 506);
    expect(expectOk(submit(one, other, { ...place, round: 2 })).slashed).toBe(160_000_000n);
    expect(expectOk(submit(one, other, { ...place, height: 10 })).slashed).toBe(128_000_000n);
    expect(expectOk(submit(one, other, { ...place, phase: 2 })).slashed).toBe(102_400_000n);
  });

  it("refuses the same vote in two guises", () => {
    expectErr(submit(one, one), 504);
    const hash = voteHash({ network: net.network(), epoch: 1, digest: one.digest, ...place });
    expectErr(submit(one, { ...one, signature: highS(sign(hash, net.committee[2])) }), 504);
    expectErr(submit(one, { ...one, epoch: 2 }), 504);
  });

  it("refuses two votes of two members", () => {
    expectErr(submit(one, { ...other, key: net.committee[1] }), 503);
  });

  it("refuses votes of another place, network or epoch: the signature is another's then", () => {
    for (const moved of [{ height: 10 }, { round: 2 }, { phase: 2 }]) {
      expectErr(submit(one, other, place, { ...place, ...moved }), 503);
    }
    const elsewhere = hash32("another network");
    expectErr(submit({ ...one, network: elsewhere }, { ...other, network: elsewhere }), 503);
    const hash = voteHash({ network: net.network(), epoch: 1, digest: other.digest, ...place });
    expectErr(submit(one, { ...other, epoch: 2, signature: sign(hash, net.committee[2]) }), 503);
  });

  it("refuses bytes that nobody has signed", () => {
    for (const signature of [new Uint8Array(), new Uint8Array(65), new Uint8Array(64).fill(7)]) {
      expectErr(submit(one, { ...other, signature }), 502);
      expectErr(submit({ ...one, signature }, other), 502);
    }
  });

  it("refuses keys of no operator: a meter or a stranger frames nobody", () => {
    const key = nodeKey("stranger");
    expectErr(submit({ ...one, key }, { ...other, key }), 505);
  });

  it("knows no votes before there is a network", async () => {
    net = await Network.deployed();
    const network = hash32("none yet");
    const key = nodeKey(1);
    expectErr(submit({ ...one, key, network }, { ...other, key, network }), 501);
  });

  it("finds the operator by a key that was rotated away", () => {
    const old = net.committee[2];
    expectOk(net.rotate(3, net.owner(2), nodeKey("new")));
    expect(expectOk(submit({ ...one, key: old }, { ...other, key: old })).operator).toBe(3n);
  });

  it("reaches a bond that is leaving", () => {
    net.enrol(4);
    expectOk(net.propose([1, 2, 4, 5]));
    const leaver = net.committee[2];
    expectOk(net.activate());
    const unstake = [Cl.uint(3), Cl.uint(MIN_STAKE)];
    expectOk(net.call("oracle-staking", "request-unstake", unstake, net.owner(2)));
    net.passTime(UNBONDING_S - 3000);
    expectOk(submit({ ...one, key: leaver }, { ...other, key: leaver }));
    expect(operator(3)).toMatchObject({ stake: 0n, unbonding: 800_000_000n });
  });

  it("needs its role", async () => {
    net = await Network.running(4);
    expectErr(submit(one, other), 302);
    expect(operator(3).stake).toBe(BigInt(MIN_STAKE));
  });
});
