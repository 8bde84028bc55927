// The contracts on the real VM, and the calls that bring them to life: operators
// with stake, a committee in force, windows attested. Every network is a fresh chain.

import { fileURLToPath } from "node:url";
import { initSimnet } from "@stacks/clarinet-sdk";
import { Cl, cvToJSON } from "@stacks/transactions";
import { breathe } from "./breath.mjs";
import {
  certify,
  digestOf,
  keyProof,
  nodeKey,
  quorum,
  signatureList,
  slots,
} from "./committee.mjs";
import {
  activateBody,
  entryDigest,
  hash32,
  leafHash,
  merklePath,
  merkleRoot,
  voidBody,
  windowSummary,
  ZERO_HASH,
  zoneOver,
} from "./entries.mjs";
import { counting, gather } from "./executed.mjs";
import { quietly } from "./quietly.mjs";

export const MANIFEST = fileURLToPath(new URL("../Clarinet.toml", import.meta.url));
/** `make coverage` and `make mutants` name another: the same contracts, written otherwise. */
export const sources = { manifest: process.env.WATTEST_MANIFEST ?? MANIFEST };
export const CHAIN_ID = 0x80000000;
export const MIN_STAKE = 1_000_000_000;
export const UNBONDING_S = 1_209_600;
export const GRACE_S = 86_400;
export const WINDOW_S = 900;
export const GROUP_KEY = Uint8Array.from({ length: 96 }, (_, i) => (i * 7 + 1) % 256);
export const BLS_SIGNATURE = Uint8Array.from({ length: 48 }, (_, i) => i);

const simnet = await initSimnet(sources.manifest, true, { trackCosts: true, trackCoverage: counting });

export class Network {
  /** A fresh chain with the contracts deployed and nothing else done. */
  static async deployed() {
    gather(simnet);
    await simnet.initSession(fileURLToPath(new URL("..", import.meta.url)), sources.manifest, {
      enabled: false,
      api_url: "",
    });
    // The VM is synchronous: between two chains a test runner's own messages get their turn.
    await breathe();
    return new Network();
  }

  /** A chain with epoch 1 of `members` operators in force. */
  static async running(members) {
    const network = await Network.deployed();
    network.initialise();
    for (const slot of slots(members)) network.enrol(slot);
    network.propose(slots(members).map((slot) => slot + 1));
    network.expectOk(network.activate());
    return network;
  }

  /** The same, and evidence is heard: dispute-resolution holds its role. */
  static async disputing(members) {
    const network = await Network.running(members);
    network.expectOk(network.grant(network.disputes, "dispute"));
    return network;
  }

  constructor() {
    this.vm = simnet;
    this.accounts = simnet.getAccounts();
    this.deployer = this.accounts.get("deployer");
    this.wallets = slots(8).map((n) => this.accounts.get(`wallet_${n + 1}`));
    this.outsider = this.wallets[7];
    this.staking = `${this.deployer}.oracle-staking`;
    this.oracle = `${this.deployer}.production-oracle`;
    this.disputes = `${this.deployer}.dispute-resolution`;
    this.keys = new Map(); // operator id -> node key
    this.committee = []; // node keys of the epoch in force, in slot order
    this.proposed = [];
    this.epoch = 0;
    this.height = 0;
  }

  call(contract, name, args, sender = this.deployer) {
    return this.callAny(`${this.deployer}.${contract}`, name, args, sender);
  }

  /** Calls any contract by its full name, also one that is not ours; the outcome says what was `sent`. */
  callAny(contract, name, args, sender) {
    const outcome = quietly(() => this.vm.callPublicFn(contract, name, args, sender));
    return { ...outcome, sent: { contract, name, args } };
  }

  /** A read-only function's result as a Clarity value. */
  read(contract, name, args = []) {
    return this.vm.callReadOnlyFn(`${this.deployer}.${contract}`, name, args, this.deployer).result;
  }

  /** A read-only function's result as plain JSON values: numbers as bigint, bytes as hex. */
  view(contract, name, args = []) {
    return plain(this.read(contract, name, args));
  }

  expectOk(outcome) {
    if (outcome.result.type !== "ok") {
      throw new Error(`expected ok, got ${Cl.prettyPrint(outcome.result)}`);
    }
    return outcome;
  }

  /** Deploys a contract that stands for another party's. */
  deploy(name, source, sender = this.deployer) {
    this.vm.deployContract(name, source, { clarityVersion: 6 }, sender);
    return `${sender}.${name}`;
  }

  balance(principal) {
    return this.vm.getAssetsMap().get("STX").get(principal) ?? 0n;
  }

  now() {
    return Number(this.vm.getBlockTime());
  }

  /** Lets at least `seconds` pass on the chain. */
  passTime(seconds) {
    const end = this.now() + seconds;
    while (this.now() < end) this.vm.mineEmptyBurnBlocks(Math.ceil((end - this.now()) / 600));
  }

  owner(slot) {
    return this.wallets[slot % 4];
  }

  initialise(windowS = WINDOW_S) {
    return this.expectOk(this.call("oracle-staking", "initialise", [Cl.uint(windowS)]));
  }

  grant(who, role) {
    return this.call("roles", "grant-role", [Cl.principal(who), Cl.stringAscii(role)]);
  }

  register(owner, key) {
    const proof = keyProof({ staking: this.staking, owner, chainId: CHAIN_ID, key });
    return this.call(
      "oracle-staking",
      "register-operator",
      [Cl.buffer(key.public), Cl.buffer(proof)],
      owner,
    );
  }

  rotate(operator, owner, key) {
    const proof = keyProof({ staking: this.staking, owner, chainId: CHAIN_ID, key });
    return this.call(
      "oracle-staking",
      "rotate-node-key",
      [Cl.uint(operator), Cl.buffer(key.public), Cl.buffer(proof)],
      owner,
    );
  }

  stake(operator, amount, owner) {
    return this.call("oracle-staking", "stake", [Cl.uint(operator), Cl.uint(amount)], owner);
  }

  /** Registers an operator with its own key and the minimum stake; gives its id. */
  enrol(seed, amount = MIN_STAKE) {
    const key = nodeKey(seed);
    const owner = this.owner(seed);
    const operator = Number(this.expectOk(this.register(owner, key)).result.value.value);
    this.expectOk(this.stake(operator, amount, owner));
    this.keys.set(operator, key);
    return operator;
  }

  propose(operators, sender = this.deployer) {
    const outcome = this.call(
      "oracle-staking",
      "propose-epoch",
      [Cl.list(operators.map((operator) => Cl.uint(operator)))],
      sender,
    );
    if (outcome.result.type === "ok") {
      this.proposed = operators.map((operator) => this.keys.get(operator));
    }
    return outcome;
  }

  network() {
    const value = this.read("oracle-staking", "get-network");
    return value.type === "some" ? Buffer.from(value.value.value, "hex") : null;
  }

  /** The network's identity as anyone computes it from the genesis (Q4). */
  expectedNetwork(keys, windowS = WINDOW_S) {
    return digestOf(
      Cl.tuple({
        "chain-id": Cl.uint(CHAIN_ID),
        oracle: Cl.principal(this.oracle),
        "window-s": Cl.uint(windowS),
        committee: Cl.list(keys.map((key) => Cl.buffer(key.public))),
      }),
    );
  }

  /** Activates the proposed epoch; options replace what an honest committee would send. */
  activate(options = {}) {
    const keys = options.keys ?? this.proposed;
    const height = options.height ?? this.height + 1;
    const round = options.round ?? 0;
    const fields = {
      epoch: this.epoch + 1,
      session: hash32("session"),
      groupKey: GROUP_KEY,
      commitments: hash32("commitments"),
      firstWindow: 900_000,
      attachment: hash32("attachment"),
      ...options,
    };
    const previous = ZERO_HASH;
    const network = options.network ?? this.network() ?? ZERO_HASH;
    const digest = entryDigest({
      network,
      height,
      previous,
      kind: "activate",
      body: activateBody(fields),
    });
    const signers = options.signers ?? slots(quorum(keys.length));
    const vote = { network, epoch: fields.epoch, height, round, digest };
    const signatures = options.signatures ?? certify(vote, keys, signers);
    const outcome = this.call(
      "oracle-staking",
      "activate-epoch",
      [
        Cl.uint(height),
        Cl.buffer(previous),
        Cl.buffer(fields.session),
        Cl.buffer(options.sentGroupKey ?? fields.groupKey),
        Cl.buffer(fields.commitments),
        Cl.uint(fields.firstWindow),
        Cl.buffer(fields.attachment),
        Cl.uint(round),
        signatureList(signatures),
      ],
      options.sender ?? this.outsider,
    );
    if (outcome.result.type === "ok") {
      this.epoch += 1;
      this.height = height;
      this.committee = keys;
    }
    return outcome;
  }

  /** Submits a window: `fields` go into its summary, `options` as for `activate`. */
  submitWindow(fields = {}, options = {}) {
    return this.#submit("window", "submit-window", windowSummary(fields), options);
  }

  /**
   * Attests a window over `zones`, each {zone, leaves, …what its summary says instead of the
   * truth}, and opens them all. `said` goes into the window's summary, `options` as above.
   * Gives the outcomes: {submitted, opened}.
   */
  attest(window, zones, said = {}, options = {}) {
    const { revision = 0 } = said;
    const summaries = zones.map(({ leaves, ...fields }) => zoneOver(leaves, { window, ...fields }));
    const hashes = summaries.map(leafHash);
    const total = (name) => zones.flatMap(({ leaves }) => leaves).reduce((sum, leaf) => sum + leaf[name], 0);
    const truth = {
      window,
      root: merkleRoot(hashes),
      zoneCount: zones.length,
      leafCount: zones.reduce((sum, { leaves }) => sum + leaves.length, 0),
      importWh: total("importWh"),
      exportWh: total("exportWh"),
    };
    const submitted = this.expectOk(this.submitWindow({ ...truth, ...said }, options));
    const opened = summaries.map((summary, index) => {
      const path = Cl.list(merklePath(hashes, index).map((hash) => Cl.buffer(hash)));
      const args = [Cl.uint(window), Cl.uint(revision), summary, Cl.uint(index), path];
      return this.expectOk(this.call("production-oracle", "open-zone", args));
    });
    return { submitted, opened };
  }

  submitVoid(fields = {}, options = {}) {
    return this.#submit("void", "submit-void", voidBody(fields), options);
  }

  #submit(kind, name, body, options) {
    const { epoch, height, previous, round, signatures } = this.certified(kind, body, options);
    return this.call(
      "production-oracle",
      name,
      [
        Cl.uint(height),
        Cl.buffer(previous),
        options.sentBody ?? body,
        Cl.uint(options.sentEpoch ?? epoch),
        Cl.uint(options.sentRound ?? round),
        signatureList(signatures),
        Cl.buffer(BLS_SIGNATURE),
      ],
      options.sender ?? this.outsider,
    );
  }

  /** An entry and its certificate. */
  certified(kind, body, options = {}) {
    const keys = options.keys ?? this.committee;
    const epoch = options.epoch ?? this.epoch;
    const height = options.height ?? this.height + 1;
    const round = options.round ?? 0;
    const previous = options.previous ?? hash32("previous");
    const network = options.network ?? this.network();
    const digest = entryDigest({ network, height, previous, kind, body });
    const vote = { network, epoch, height, round, phase: options.phase, digest };
    const signers = options.signers ?? slots(quorum(keys.length));
    const honest = certify(vote, keys, signers);
    const signatures = options.forge ? options.forge(honest, vote) : honest;
    return { epoch, height, previous, round, digest, signatures };
  }
}

/** Clarity values as JavaScript's: uint as bigint, buffers as 0x…, optionals as null. */
export function plain(value) {
  switch (value.type) {
    case "uint":
    case "int":
      return BigInt(value.value);
    case "true":
      return true;
    case "false":
      return false;
    case "none":
      return null;
    case "some":
      return plain(value.value);
    case "ok":
      return { ok: plain(value.value) };
    case "err":
      return { err: plain(value.value) };
    case "buffer":
      return `0x${value.value}`;
    case "list":
      return value.value.map(plain);
    case "tuple":
      return Object.fromEntries(Object.entries(value.value).map(([k, v]) => [k, plain(v)]));
    default:
      return cvToJSON(value).value;
  }
}

/** What an outcome's print events said, as plain values. */
export function printed(outcome) {
  return outcome.events
    .filter((event) => event.event === "print_event")
    .map((event) => plain(event.data.value));
}
