// What the contracts offer, as the real VM sees them: functions with their types, tokens, and
// from the source, which the VM does not keep, what functions and errors mean.

import { readFile } from "node:fs/promises";
import { initSimnet } from "@stacks/clarinet-sdk";

const ROOT = new URL("../", import.meta.url);
const MANIFEST = new URL("Clarinet.toml", ROOT);

/** The deployment plan: which contracts there are, in which order. */
export async function plan() {
  return JSON.parse(await readFile(new URL("deployment.json", ROOT), "utf8"));
}

/** The interface of every contract of the plan, in its order. */
export async function interfaces() {
  const { contracts } = await plan();
  const simnet = await initSimnet(MANIFEST.pathname, true, { trackCosts: false, trackCoverage: false });
  const found = simnet.getContractsInterfaces();
  const described = [];
  for (const { name, path } of contracts) {
    const abi = found.get(`${simnet.deployer}.${name}`);
    if (abi === undefined) throw new Error(`${name} is in deployment.json and not in Clarinet.toml`);
    described.push(describe(name, abi, await readFile(new URL(path, ROOT), "utf8")));
  }
  return described;
}

function describe(name, abi, source) {
  const comments = commentsOf(source);
  return {
    name,
    about: header(source),
    functions: abi.functions
      .filter(({ access }) => access !== "private")
      .map(({ name: called, access, args, outputs }) => ({
        name: called,
        access,
        about: comments.get(called) ?? "",
        args,
        output: outputs.type,
      })),
    fungible_tokens: abi.fungible_tokens.map(({ name: token }) => token),
    non_fungible_tokens: abi.non_fungible_tokens,
    errors: errorsOf(source, comments),
  };
}

/** The comment block that a source opens with. */
function header(source) {
  const lines = source.split("\n");
  const end = lines.findIndex((line) => !line.startsWith(";;"));
  return lines.slice(0, end).map(bare).join("\n");
}

/** name -> the comment right above its definition. */
function commentsOf(source) {
  const comments = new Map();
  let above = [];
  for (const line of source.split("\n")) {
    if (/^;; /.test(line)) above.push(bare(line));
    else {
      const defined = /^\(define-[a-z-]+ \(?([^\s()]+)/.exec(line);
      if (defined) comments.set(defined[1], above.join(" "));
      above = [];
    }
  }
  return comments;
}

function errorsOf(source, comments) {
  return [...source.matchAll(/^\(define-constant (ERR_\w+)\s+\(err u(\d+)\)\)/gm)].map(([, name, code]) => {
    const meaning = comments.get(name);
    if (!meaning) throw new Error(`${name} has no comment that says what it means`);
    return { name, code: Number(code), meaning };
  });
}

function bare(line) {
  return line.replace(/^;; ?/, "").trimEnd();
}
