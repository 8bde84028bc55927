import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { certify, keyProof, nodeKey, quorum, slots } from "../harness/committee.mjs";
import { hash32 } from "../harness/entries.mjs";
import { CHAIN_ID, GROUP_KEY, MIN_STAKE, Network, UNBONDING_S } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

let net: Network;
let deployer: string;
let owner: string;
let outsider: string;

const call = (name: string, args: any[], by: string) => net.call("oracle-staking", name, args, by);
const view = (name: string, args: any[] = []) => net.view("oracle-staking", name, args);
const operator = (id: number) => view("get-operator", [Cl.uint(id)]);
const initialise = (windowS: number, by = deployer) => call("initialise", [Cl.uint(windowS)], by);
const unstake = (id: number, amount: number, by: string) =>
  call("request-unstake", [Cl.uint(id), Cl.uint(amount)], by);
const withdraw = (id: number, by: string) => call("withdraw", [Cl.uint(id)], by);
const slash = (ids: number[], shareBps: number | bigint, by: string, bountyBps: number | bigint = 1000) =>
  call(
    "slash",
    [
      Cl.list(ids.map((id) => Cl.uint(id))),
      Cl.uint(shareBps),
      Cl.uint(bountyBps),
      Cl.principal(net.wallets[6]),
    ],
    by,
  );
const slashFor = (recipient: string, by: string) =>
  call("slash", [Cl.list([Cl.uint(1)]), Cl.uint(50), Cl.uint(5000), Cl.principal(recipient)], by);
const hold = (id: number, until: number, by: string) =>
  call("hold", [Cl.uint(id), Cl.uint(until)], by);
const reinstate = (id: number, by = deployer) => call("reinstate", [Cl.uint(id)], by);
const count = (epoch: number, attested: [number, number][], by = outsider) =>
  call(
    "count-participation",
    [
      Cl.uint(epoch),
      Cl.list(
        attested.map(([window, revision]) =>
          Cl.tuple({ window: Cl.uint(window), revision: Cl.uint(revision) }),
        ),
      ),
    ],
    by,
  );
const pause = () => expectOk(net.call("roles", "pause", []));
const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString("hex")}`;
const held = () => net.balance(net.staking);

async function start(members = 0) {
  net = members ? await Network.running(members) : await Network.deployed();
  deployer = net.deployer;
  owner = net.owner(0);
  outsider = net.outsider;
}

/** Operators 1 … count, each with the minimum stake, on an initialised chain. */
async function enrolled(count: number) {
  await start();
  net.initialise();
  for (const slot of slots(count)) net.enrol(slot);
}

describe("initialise", () => {
  beforeEach(() => start());

  it("sets the window length, once", () => {
    expect(view("get-window-length")).toBe(0n);
    expectEvent(initialise(900), "initialised");
    expect(view("get-window-length")).toBe(900n);
    expectErr(initialise(60), 304);
  });

  it("is for governors: nobody can step in before", () => {
    expectErr(initialise(900, outsider), 300);
  });

  it("refuses lengths that do not divide a day", () => {
    for (const length of [0, 7, 1000, 86_401, 172_800]) expectErr(initialise(length), 306);
    expectOk(initialise(86_400));
  });
});

describe("register-operator", () => {
  beforeEach(() => start());

  it("records the caller as cold owner and the key, under ids 1, 2, 3", () => {
    const outcome = net.register(owner, nodeKey(0));
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "operator-registered")).toMatchObject({ operator: 1n, owner });
    expect(expectOk(net.register(owner, nodeKey(1)))).toBe(2n);
    expect(operator(1)).toEqual({
      owner,
      key: hex(nodeKey(0).public),
      stake: 0n,
      unbonding: 0n,
      "unlock-at": 0n,
      "held-until": 0n,
      barred: false,
    });
    expect(operator(3)).toBe(null);
    expect(view("get-operator-count")).toBe(2n);
    expect(view("get-operator-of-key", [Cl.buffer(nodeKey(1).public)])).toBe(2n);
  });

  it("publishes the digest that the node key signs", () => {
    const digest = view("get-key-proof-digest", [Cl.principal(owner)]).ok;
    expect(digest).toMatch(/^0x[0-9a-f]{64}$/);
    expect(view("get-key-proof-digest", [Cl.principal(outsider)]).ok).not.toBe(digest);
  });

  it("refuses a key that others can prove, not the caller", () => {
    const key = nodeKey(0);
    const theirs = keyProof({ staking: net.staking, owner, chainId: CHAIN_ID, key });
    const register = (proof: Uint8Array, publicKey = key.public) =>
      call("register-operator", [Cl.buffer(publicKey), Cl.buffer(proof)], outsider);
    expectErr(register(theirs), 309);
    expectErr(register(new Uint8Array()), 309);
    expectErr(register(new Uint8Array(65).fill(255)), 309);
    const elsewhere = keyProof({ staking: net.oracle, owner: outsider, chainId: CHAIN_ID, key });
    expectErr(register(elsewhere), 309);
    const mainnet = keyProof({ staking: net.staking, owner: outsider, chainId: 1, key });
    expectErr(register(mainnet), 309);
    const mine = keyProof({ staking: net.staking, owner: outsider, chainId: CHAIN_ID, key });
    expectErr(register(mine, nodeKey(1).public), 309);
  });

  it("takes a key once, also after it was rotated away", () => {
    expectOk(net.register(owner, nodeKey(0)));
    expectErr(net.register(owner, nodeKey(0)), 308);
    expectErr(net.register(outsider, nodeKey(0)), 308);
    expectOk(net.rotate(1, owner, nodeKey(1)));
    expectErr(net.register(outsider, nodeKey(0)), 308);
    expect(view("get-operator-of-key", [Cl.buffer(nodeKey(0).public)])).toBe(1n);
  });

  it("waits while paused", () => {
    pause();
    expectErr(net.register(owner, nodeKey(0)), 303);
  });
});

describe("rotate-node-key", () => {
  beforeEach(() => enrolled(4));

  it("replaces the key, by the cold owner, also while paused", () => {
    pause();
    const outcome = net.rotate(1, owner, nodeKey("new"));
    expect(expectEvent(outcome, "node-key-rotated")["old-key"]).toBe(hex(nodeKey(0).public));
    expect(operator(1).key).toBe(hex(nodeKey("new").public));
  });

  it("refuses others, unknown operators, used keys and unproven ones", () => {
    expectErr(net.rotate(1, outsider, nodeKey("new")), 301);
    expectErr(net.rotate(9, owner, nodeKey("new")), 307);
    expectErr(net.rotate(1, owner, nodeKey(0)), 308);
    expectErr(net.rotate(1, owner, nodeKey(1)), 308);
    const proof = keyProof({
      staking: net.staking,
      owner: outsider,
      chainId: CHAIN_ID,
      key: nodeKey("new"),
    });
    const args = [Cl.uint(1), Cl.buffer(nodeKey("new").public), Cl.buffer(proof)];
    expectErr(call("rotate-node-key", args, owner), 309);
  });

  it("leaves the proposed and the active epoch's keys, and takes effect in the next", () => {
    expectOk(net.propose([1, 2, 3, 4]));
    expectOk(net.rotate(1, owner, nodeKey("new")));
    expect(view("get-proposed-epoch").keys[0]).toBe(hex(nodeKey(0).public));
    expectOk(net.activate());
    expect(view("get-epoch", [Cl.uint(1)]).keys[0]).toBe(hex(nodeKey(0).public));
    net.keys.set(1, nodeKey("new"));
    expectOk(net.propose([1, 2, 3, 4]));
    expectOk(net.activate());
    expect(view("get-epoch", [Cl.uint(2)]).keys[0]).toBe(hex(nodeKey("new").public));
  });
});

describe("stake", () => {
  beforeEach(async () => {
    await start();
    expectOk(net.register(owner, nodeKey(0)));
  });

  it("moves the owner's STX into the contract and adds up", () => {
    const before = net.balance(owner);
    expect(expectOk(net.stake(1, 700, owner))).toBe(700n);
    const outcome = net.stake(1, 300, owner);
    expect(expectOk(outcome)).toBe(1000n);
    expect(expectEvent(outcome, "staked")).toMatchObject({ amount: 300n, stake: 1000n });
    expect(held()).toBe(1000n);
    expect(before - net.balance(owner)).toBe(1000n);
    expect(operator(1).stake).toBe(1000n);
    expect(view("get-totals")).toEqual({ staked: 1000n, withdrawn: 0n, slashed: 0n, held: 1000n });
  });

  it("refuses others, unknown operators, nothing, and more than the owner has", () => {
    expectErr(net.stake(1, 5, outsider), 301);
    expectErr(net.stake(2, 5, owner), 307);
    expectErr(net.stake(1, 0, owner), 310);
    expectErr(call("stake", [Cl.uint(1), Cl.uint(10n ** 30n)], owner), 315);
  });

  it("does not let a contract in between spend the owner's STX", () => {
    const lure = net.deploy(
      "lure",
      `(define-public (go) (contract-call? '${net.staking} stake u1 u5))`,
      outsider,
    );
    expectErr(net.callAny(lure, "go", [], owner), 301);
  });

  it("waits while paused", () => {
    pause();
    expectErr(net.stake(1, 5, owner), 303);
  });
});

describe("request-unstake and withdraw", () => {
  beforeEach(() => enrolled(4));

  it("pay back after the unbonding delay, to the owner, also while paused", () => {
    pause();
    const asked = unstake(1, 400, owner);
    const unlockAt = expectOk(asked);
    expect(Number(unlockAt)).toBeGreaterThanOrEqual(net.now() - 600 + UNBONDING_S);
    expectEvent(asked, "unstake-requested");
    expect(operator(1)).toMatchObject({ stake: BigInt(MIN_STAKE - 400), unbonding: 400n });
    expectErr(withdraw(1, owner), 314);
    net.passTime(UNBONDING_S - 1200);
    expectErr(withdraw(1, owner), 314);
    net.passTime(1300);
    const before = net.balance(owner);
    const outcome = withdraw(1, owner);
    expect(expectOk(outcome)).toBe(400n);
    expect(expectEvent(outcome, "withdrawn")).toMatchObject({ owner, amount: 400n });
    expect(net.balance(owner) - before).toBe(400n);
    expect(held()).toBe(BigInt(4 * MIN_STAKE - 400));
    expectErr(withdraw(1, owner), 313);
  });

  it("start the delay anew for all that is unbonding", () => {
    expectOk(unstake(1, 100, owner));
    net.passTime(UNBONDING_S - 1200);
    expectOk(unstake(1, 50, owner));
    net.passTime(1300);
    expectErr(withdraw(1, owner), 314);
    net.passTime(UNBONDING_S);
    expect(expectOk(withdraw(1, owner))).toBe(150n);
  });

  it("refuse others, unknown operators, nothing and too much", () => {
    expectErr(unstake(1, 5, outsider), 301);
    expectErr(unstake(9, 5, owner), 307);
    expectErr(unstake(1, 0, owner), 310);
    expectErr(unstake(1, MIN_STAKE + 1, owner), 311);
    expectErr(withdraw(1, outsider), 301);
    expectErr(withdraw(9, owner), 307);
    expectErr(withdraw(1, owner), 313);
  });

  it("keep the minimum of a member of the proposed epoch", () => {
    net.enrol(4);
    expectOk(net.propose([1, 2, 3, 4]));
    expectErr(unstake(1, 1, owner), 312);
    expectOk(unstake(5, MIN_STAKE, net.owner(4)));
  });

  it("keep the minimum of a member of the epoch in force, until it has left", () => {
    net.enrol(4);
    expectOk(net.propose([1, 2, 3, 4]));
    expectOk(net.activate());
    expectErr(unstake(1, 1, owner), 312);
    expectOk(net.stake(1, 500, owner));
    expectOk(unstake(1, 500, owner));
    expectOk(net.propose([2, 3, 4, 5]));
    expectErr(unstake(1, 1, owner), 312);
    expectOk(net.activate());
    expectOk(unstake(1, MIN_STAKE, owner));
    expectErr(unstake(5, 1, net.owner(4)), 312);
  });

  it("outlast the dispute period and the previous epoch's grace", () => {
    const parameters = view("get-parameters");
    expect(parameters["unbonding-s"]).toBeGreaterThan(parameters["dispute-s"] + 86_400n);
  });
});

describe("slash", () => {
  let dispute: string;
  let recipient: string;

  beforeEach(async () => {
    await enrolled(4);
    [, , , , , dispute, recipient] = net.wallets;
    expectOk(net.grant(dispute, "dispute"));
  });

  it("pays the bounty and burns the rest", () => {
    const before = net.balance(recipient);
    const outcome = slash([1], 2000, dispute, 1000);
    expect(expectOk(outcome)).toEqual({
      slashed: 200_000_000n,
      bounty: 20_000_000n,
      burned: 180_000_000n,
    });
    expect(expectEvent(outcome, "slashed")).toMatchObject({ operators: [1n], "share-bps": 2000n });
    expect(net.balance(recipient) - before).toBe(20_000_000n);
    expect(operator(1)).toMatchObject({ stake: 800_000_000n, barred: true });
    expect(held()).toBe(BigInt(4 * MIN_STAKE - 200_000_000));
    expect(view("get-totals")).toMatchObject({ slashed: 200_000_000n, held: held() });
    expect(outcome.events.filter((event: any) => event.event === "stx_burn_event")).toHaveLength(1);
  });

  it("rounds the share up and the bounty down: neither offender nor hunter gains by it", () => {
    expectOk(net.stake(1, 7, owner));
    expect(expectOk(slash([1], 1, dispute, 999))).toEqual({
      slashed: 100_001n,
      bounty: 9_990n,
      burned: 90_011n,
    });
  });

  it("takes of what is unbonding too: leaving is no way out", () => {
    expectOk(unstake(1, MIN_STAKE - 100, owner));
    expect(expectOk(slash([1], 5000, dispute)).slashed).toBe(BigInt(MIN_STAKE / 2));
    expect(operator(1)).toMatchObject({ stake: 0n, unbonding: BigInt(MIN_STAKE / 2) });
    net.passTime(UNBONDING_S + 1200);
    expect(expectOk(withdraw(1, owner))).toBe(BigInt(MIN_STAKE / 2));
    expect(expectOk(slash([1], 10_000, dispute))).toEqual({ slashed: 0n, bounty: 0n, burned: 0n });
    expect(held()).toBe(BigInt(3 * MIN_STAKE));
  });

  it("takes a share of each of many, and the one who has nothing left shields nobody", () => {
    expectOk(slash([2], 10_000, dispute));
    expect(expectOk(slash([1, 2, 4], 5000, dispute)).slashed).toBe(BigInt(MIN_STAKE));
    expect([1, 2, 3, 4].map((id) => operator(id).stake)).toEqual(
      [0.5, 0, 1, 0.5].map((share) => BigInt(share * MIN_STAKE)),
    );
    expect([1, 2, 3, 4].map((id) => view("is-barred", [Cl.uint(id)]))).toEqual([true, true, false, true]);
  });

  it("can give all of it away or burn all of it", () => {
    const [half, all] = [BigInt(MIN_STAKE / 2), BigInt(MIN_STAKE)];
    expect(expectOk(slash([1], 10_000, dispute, 10_000))).toEqual({ slashed: all, bounty: all, burned: 0n });
    expect(expectOk(slash([2], 5000, dispute, 0))).toEqual({ slashed: half, bounty: 0n, burned: half });
  });

  it("is for the dispute contract: neither outsider nor owner nor governor", () => {
    for (const caller of [outsider, owner, deployer]) expectErr(slash([1], 5, caller), 302);
  });

  it("judges the contract that calls", () => {
    const name = "court";
    const court = net.deploy(
      name,
      `(define-public (rule)
        (contract-call? '${net.staking} slash (list u1) u50 u5000 '${recipient}))`,
      outsider,
    );
    expectErr(net.callAny(court, "rule", [], dispute), 302);
    const role = Cl.stringAscii("dispute");
    expectOk(net.call("roles", "grant-role", [Cl.contractPrincipal(outsider, name), role]));
    expectOk(net.callAny(court, "rule", [], owner));
    expect(operator(1).stake).toBe(995_000_000n);
  });

  it("pays no bounty to itself, where it would be nobody's", () => {
    expectErr(slashFor(net.staking, dispute), 315);
    expectOk(slashFor(recipient, dispute));
  });

  it("refuses unknown operators, nobody, nothing, and shares above the whole", () => {
    expectErr(slash([1, 9], 5, dispute), 307);
    expectErr(slash([9, 1], 5, dispute), 307);
    expectErr(slash([1], 0, dispute), 310);
    expectErr(slash([], 5, dispute), 310);
    expectErr(slash([1], 10_001, dispute), 321);
    expectErr(slash([1], 5, dispute, 10_001), 321);
    expectErr(slash([1], 2n ** 128n - 1n, dispute), 321);
    expect(operator(1)).toMatchObject({ stake: BigInt(MIN_STAKE), barred: false });
  });

  it("works while paused", () => {
    pause();
    expectOk(slash([1], 1, dispute));
  });

  it("bars from committees, whatever is staked anew, until a governor reinstates", () => {
    expectOk(slash([1], 1, dispute));
    expectOk(net.stake(1, MIN_STAKE, owner));
    expectErr(net.propose([1, 2, 3, 4]), 325);
    for (const caller of [outsider, owner, dispute]) expectErr(reinstate(1, caller), 300);
    expectErr(reinstate(9), 307);
    expectEvent(reinstate(1), "operator-reinstated");
    expect(view("is-barred", [Cl.uint(1)])).toBe(false);
    expectErr(reinstate(1), 326);
    expectOk(net.propose([1, 2, 3, 4]));
  });

  it("leaves one below the minimum out, also when it is reinstated", () => {
    expectOk(slash([1], 1, dispute));
    expectOk(reinstate(1));
    expectErr(net.propose([1, 2, 3, 4]), 311);
  });
});

describe("hold", () => {
  let dispute: string;

  beforeEach(async () => {
    await enrolled(4);
    dispute = net.wallets[5];
    expectOk(net.grant(dispute, "dispute"));
  });

  it("keeps what has unbonded until it ends, and never ends earlier than it said", () => {
    expectOk(unstake(1, MIN_STAKE, owner));
    const until = net.now() + UNBONDING_S + 50_000;
    expect(expectEvent(hold(1, until, dispute), "bond-held")["held-until"]).toBe(BigInt(until));
    expect(expectOk(hold(1, until - 20_000, dispute))).toBe(BigInt(until));
    expect(view("get-held-until", [Cl.uint(1)])).toBe(BigInt(until));
    net.passTime(UNBONDING_S + 1200);
    expectErr(withdraw(1, owner), 327);
    net.passTime(50_000);
    expect(expectOk(withdraw(1, owner))).toBe(BigInt(MIN_STAKE));
  });

  it("is for the dispute contract, of known operators", () => {
    for (const caller of [outsider, owner, deployer]) expectErr(hold(1, 5, caller), 302);
    expectErr(hold(9, 5, dispute), 307);
    expect(view("get-held-until", [Cl.uint(9)])).toBe(0n);
    expect(view("is-barred", [Cl.uint(9)])).toBe(false);
  });
});

describe("get-seats", () => {
  it("counts an owner's members of an epoch", async () => {
    await start(6);
    const seats = (epoch: number, who: string) =>
      view("get-seats", [Cl.uint(epoch), Cl.principal(who)]);
    expect([0, 1, 2, 3].map((slot) => seats(1, net.owner(slot)))).toEqual([2n, 2n, 1n, 1n]);
    expect([seats(1, outsider), seats(2, owner)]).toEqual([0n, 0n]);
  });
});

describe("propose-epoch", () => {
  beforeEach(() => enrolled(5));

  it("takes ids in slot order, with the keys of this moment and the network's identity", () => {
    const outcome = net.propose([3, 1, 5, 2]);
    expect(expectOk(outcome)).toBe(1n);
    const keys = [3, 1, 5, 2].map((id) => net.keys.get(id));
    expect(view("get-proposed-epoch")).toEqual({
      epoch: 1n,
      operators: [3n, 1n, 5n, 2n],
      keys: keys.map((key) => hex(key.public)),
    });
    const identity = hex(net.expectedNetwork(keys));
    expect(view("get-network")).toBe(identity);
    expect(expectEvent(outcome, "epoch-proposed").network).toBe(identity);
    expect(view("get-current-epoch")).toBe(0n);
  });

  it("replaces a proposal that no ceremony completes; before epoch 1 the network follows it", () => {
    expectOk(net.propose([1, 2, 3, 4]));
    const first = view("get-network");
    expectOk(net.propose([1, 2, 3, 5]));
    expect(view("get-network")).not.toBe(first);
    expect(view("get-network")).toBe(hex(net.expectedNetwork(net.proposed)));
  });

  it("never changes the network once epoch 1 is in force", () => {
    expectOk(net.propose([1, 2, 3, 4]));
    expectOk(net.activate());
    const identity = view("get-network");
    expectOk(net.propose([2, 3, 4, 5]));
    expectOk(net.activate());
    expectOk(net.propose([1, 2, 3, 5]));
    expect(view("get-network")).toBe(identity);
    expect(net.view("production-oracle", "get-network")).toBe(identity);
  });

  it("is for governors, also while paused", () => {
    expectErr(net.propose([1, 2, 3, 4], outsider), 300);
    expectErr(net.propose([1, 2, 3, 4], owner), 300);
    pause();
    expectOk(net.propose([1, 2, 3, 4]));
  });

  it("refuses three members, strangers, twins and the under-staked", () => {
    expectErr(net.propose([1, 2, 3]), 316);
    expectErr(net.propose([]), 316);
    expectErr(net.propose([1, 2, 3, 9]), 307);
    expectErr(net.propose([1, 2, 3, 1]), 317);
    net.enrol(5, MIN_STAKE - 1);
    expectErr(net.propose([1, 2, 3, 6]), 311);
    expect(view("get-proposed-epoch")).toBe(null);
    expect(view("get-network")).toBe(null);
  });

  it("refuses before the window length is set", async () => {
    await start();
    for (const slot of slots(4)) net.enrol(slot);
    expectErr(net.propose([1, 2, 3, 4]), 305);
  });
});

describe("activate-epoch", () => {
  beforeEach(async () => {
    await enrolled(6);
    expectOk(net.propose([1, 2, 3, 4]));
  });

  it("puts the epoch in force, here and in production-oracle", () => {
    const outcome = net.activate();
    expect(expectOk(outcome)).toBe(1n);
    expectEvent(outcome, "epoch-activated");
    expectEvent(outcome, "epoch-installed");
    expect(view("get-current-epoch")).toBe(1n);
    expect(view("get-proposed-epoch")).toBe(null);
    expect(view("get-epoch", [Cl.uint(1)])).toMatchObject({
      operators: [1n, 2n, 3n, 4n],
      "group-key": hex(GROUP_KEY),
      session: hex(hash32("session")),
      commitments: hex(hash32("commitments")),
      "first-window": 900_000n,
    });
    expect(view("get-epoch", [Cl.uint(2)])).toBe(null);
    expect(net.view("production-oracle", "get-current-epoch")).toBe(1n);
    expect(net.view("production-oracle", "get-epoch-keys", [Cl.uint(1)])).toMatchObject({
      network: view("get-network"),
      "window-s": 900n,
      keys: net.committee.map((key) => hex(key.public)),
    });
  });

  it("is open to anyone, also while paused", () => {
    pause();
    expectOk(net.activate({ sender: outsider }));
  });

  it("needs a proposal, and uses it up", () => {
    expectOk(net.activate());
    expectErr(net.activate(), 318);
  });

  it("needs a quorum of the proposed keys over exactly this entry", () => {
    const signed = (options: any) => expectErr(net.activate(options), 405);
    signed({ signers: slots(2) });
    signed({ keys: slots(4).map((slot) => nodeKey(slot + 2)) });
    signed({ epoch: 2 });
    signed({ network: hash32("another network") });
    const vote = {
      network: net.network(),
      epoch: 1,
      height: 1,
      digest: hash32("another entry"),
    };
    signed({ signatures: certify(vote, net.proposed, slots(4)) });
    expectErr(net.activate({ signatures: [] }), 404);
    expectErr(net.activate({ keys: [...net.proposed, nodeKey(4)] }), 404);
    expectOk(net.activate());
  });

  it("refuses a first window off the grid and a group key of the wrong length", () => {
    expectErr(net.activate({ firstWindow: 900_001 }), 320);
    expectErr(net.activate({ groupKey: GROUP_KEY.slice(1) }), 319);
  });

  it("refuses a group key other than the one signed", () => {
    const sentGroupKey = GROUP_KEY.map((byte, at) => (at === 95 ? byte ^ 1 : byte));
    expectErr(net.activate({ sentGroupKey }), 405);
  });

  it("hands over to the next committee under the same group key only (K3)", () => {
    expectOk(net.activate());
    expectOk(net.propose([3, 4, 5, 6]));
    expectErr(net.activate({ groupKey: new Uint8Array(96).fill(3) }), 319);
    expectErr(net.activate({ keys: net.committee }), 405);
    expectOk(net.activate());
    expect(view("get-current-epoch")).toBe(2n);
    expect(view("get-epoch", [Cl.uint(1)])).not.toBe(null);
  });

  it("works for 31 members", async () => {
    await start(31);
    expect(view("get-epoch", [Cl.uint(1)]).keys).toHaveLength(31);
    expectErr(net.activate(), 318);
  });
});

describe("count-participation", () => {
  beforeEach(() => start(4));

  it("adds up who signed, each attestation once", () => {
    expectOk(net.submitWindow({ window: 900_000 }, { signers: [0, 1, 2] }));
    expectOk(net.submitWindow({ window: 900_900 }, { signers: [0, 2, 3] }));
    expectOk(net.submitVoid({ window: 901_800 }, { signers: [0, 1, 2, 3] }));
    const outcome = count(1, [
      [900_000, 0],
      [900_900, 0],
    ]);
    expect(expectOk(outcome)).toBe(2n);
    expectEvent(outcome, "participation-counted");
    expectOk(count(1, [[901_800, 0]]));
    expect(view("get-participation", [Cl.uint(1)])).toEqual({
      attestations: 3n,
      signed: [3n, 2n, 3n, 2n],
    });
    expectErr(count(1, [[900_000, 0]]), 323);
  });

  it("refuses the same attestation twice in one call, and leaves nothing behind", () => {
    expectOk(net.submitWindow());
    expectErr(
      count(1, [
        [900_000, 0],
        [900_000, 0],
      ]),
      323,
    );
    expect(view("get-participation", [Cl.uint(1)])).toBe(null);
  });

  it("refuses what is not attested, other epochs and epochs that never were", () => {
    expectErr(count(1, [[900_000, 0]]), 322);
    expectErr(count(1, [[900_000, 0], [900_900, 0]]), 322);
    expectErr(count(2, []), 322);
    net.enrol(4);
    expectOk(net.propose([1, 2, 3, 5]));
    expectOk(net.activate());
    expectOk(net.submitWindow());
    expectErr(count(1, [[900_000, 0]]), 322);
    expectOk(count(2, [[900_000, 0]]));
  });
});

describe("the quorum", () => {
  it("is floor((n + f) / 2) + 1 for every committee", async () => {
    await start();
    for (let n = 4; n <= 31; n++) {
      const onChain = net.view("production-oracle", "get-quorum", [Cl.uint(n)]);
      expect(onChain).toBe(BigInt(quorum(n)));
    }
    expect([4, 7, 13, 19, 31].map(quorum)).toEqual([3, 5, 9, 13, 21]);
  });
});
