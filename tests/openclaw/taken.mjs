// Another plugin that has put something in this plugin's place beforehand is not handed the
// settings. Arguments as of reach.mjs.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder, stateDir] = process.argv;
const handed = [];
const state = { key: "", users: 0, proposals: new Map() };
Object.defineProperty(state, "harness", { get: () => null, set: (value) => handed.push(value) });
globalThis[Symbol.for("crm-claw")] = { join: (...given) => (handed.push(...given), { proof: Buffer.alloc(32), state }) };

const { default: plugin } = await import(pathToFileURL(path.join(folder, "index.js")));
const services = [];
plugin.register({
  pluginConfig: { twenty: { url: "https://crm.example.com", key: "planted-key-5d1c" } },
  runtime: { state: { resolveStateDir: () => stateDir } },
  logger: { info() {}, warn() {}, error() {} },
  registerTool() {},
  on() {},
  registerService: (service) => services.push(service),
});
await assert.rejects(services[0].start(), /restart it/);
assert.deepEqual(handed, []);
assert.equal(existsSync(path.join(stateDir, "told")), false);
console.log("nothing was handed over");
