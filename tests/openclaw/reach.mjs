// What another plugin of the gateway can get at: everything that globalThis leads to. Run with the
// folder of a copy of the plugin, in which `openclaw` and the harness are stand-ins, and a folder
// for what the gateway keeps. Prints what was found, and fails by its status.

import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder, stateDir] = process.argv;
const SECRET = "planted-key-5d1c";
const before = new Set(Reflect.ownKeys(globalThis));

/** Loads a copy of the plugin, as the gateway does: each time as another module. */
async function load(number) {
  const copy = path.join(path.dirname(folder), `copy-${number}`);
  cpSync(folder, copy, { recursive: true });
  const { default: plugin } = await import(pathToFileURL(path.join(copy, "index.js")));
  const got = { tools: new Map(), hooks: [], services: [] };
  plugin.register({
    pluginConfig: { twenty: { url: "https://crm.example.com", key: SECRET }, me: { email: "you@example.com" } },
    runtime: { state: { resolveStateDir: () => stateDir } },
    logger: { info() {}, warn() {}, error() {} },
    registerTool: (tool, { names }) => got.tools.set(names[0], tool),
    on: (name, hook) => got.hooks.push(hook),
    registerService: (service) => got.services.push(service),
  });
  return got;
}

const told = () => readFileSync(path.join(stateDir, "told"), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const decisions = () => told().filter((message) => ["approve", "deny"].includes(message.method));

const [one, two] = [await load(1), await load(2)];
await one.services[0].start();

// The hook in one module, the call in the other: they share what was proposed and how the person
// decided.
const call = { toolName: "crm_follow_up", toolCallId: "call-1", params: { title: "Call them" } };
const { requireApproval } = await one.hooks[0](call, {});
assert.ok(requireApproval, "the person is asked");

// Everything that can be reached from what this plugin has added to globalThis, symbols and
// non-enumerable properties included.
const reached = [];
const functions = [];
function walk(value, where, seen = new Set()) {
  if (typeof value === "string") reached.push([where, value]);
  if (value === null || !["object", "function"].includes(typeof value) || seen.has(value)) return;
  seen.add(value);
  if (typeof value === "function") functions.push([where, value]);
  for (const key of Reflect.ownKeys(value)) {
    const described = Object.getOwnPropertyDescriptor(value, key);
    const name = `${where}.${String(key)}`;
    if ("value" in described) walk(described.value, name, seen);
    for (const accessor of [described.get, described.set]) {
      if (accessor) walk(accessor, name, seen);
    }
    if (value instanceof Map) for (const [key, held] of value) walk([key, held], `${where}[]`, seen);
  }
  walk(Object.getPrototypeOf(value), `${where}.__proto__`, seen);
}
const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key));
assert.deepEqual(added.map(String), ["Symbol(crm-claw)"]);
for (const key of added) walk(globalThis[key], String(key));
const place = globalThis[added[0]];
assert.deepEqual(Reflect.ownKeys(place).map(String).sort(), ["call", "join", "services", "show"]);
for (const [where, text] of reached) assert.ok(!text.includes(SECRET), `${where} holds the key`);
assert.ok(Object.isFrozen(place));
assert.throws(() => Object.defineProperty(globalThis, added[0], { value: {} }));
assert.equal(globalThis.propertyIsEnumerable(added[0]), false);

// Calling whatever is there, with whatever comes to mind, decides nothing and hands nothing out.
const plan = "d".repeat(64);
const bytes = Buffer.alloc(32);
for (const name of Reflect.ownKeys(place)) {
  for (const given of [[plan], [{ plan }], ["approve", { plan }], ["plan/approve", plan], [bytes, bytes], [bytes, undefined], [plan, plan]]) {
    let result;
    try {
      result = await place[name](...given);
    } catch (error) {
      result = error.message;
    }
    assert.ok(!(JSON.stringify(result) ?? "").includes(SECRET), `${String(name)} hands the key out`);
    assert.equal(result?.state, undefined, `${String(name)} hands the state out`);
  }
}
assert.deepEqual(decisions(), []);
for (const file of readdirSync(path.join(stateDir, "crm-claw"))) {
  assert.ok(!readFileSync(path.join(stateDir, "crm-claw", file)).includes(SECRET), file);
}

// The person's word still works, across the modules.
requireApproval.onResolution("allow-once");
const done = await two.tools.get("crm_follow_up")().execute("call-1", { title: "Call them" });
assert.equal(done.details.crm.state, "done");
assert.deepEqual(decisions().map(({ method, params }) => [method, params.plan]), [["approve", plan]]);
// Started once, by whichever module.
assert.equal(told().filter((message) => message.variables).length, 1);
assert.equal(told().find((message) => message.variables).variables.TWENTY_API_KEY, SECRET);
for (const got of [one, two]) await got.services[0].stop();
const file = path.join(stateDir, "crm-claw", `joined-${process.pid}`);
assert.ok(existsSync(file));
process.once("exit", () => console.log(`left behind: ${existsSync(file)}`));
console.log(`${functions.length} functions and ${reached.length} texts were reached`);
