// Calls a tool by the plugin's own harness.js, and cancels the call when a byte comes in.
//   node cancelled.mjs PLUGIN_FOLDER HARNESS, the hand-over as the first line of the standard input

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, program] = process.argv.slice(2);
const { Harness } = await import(pathToFileURL(`${folder}/harness.js`));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const harness = new Harness({ warn: console.error, error: console.error });
harness.from(program, JSON.parse((await lines.next()).value));
const stop = new AbortController();
const call = harness.call("crm_search", { query: "anything" }, stop.signal);
const ended = call.then(() => "answered", (error) => error.name);
await lines.next();
stop.abort();
console.log(await ended);
await harness.stop();
process.exit();
