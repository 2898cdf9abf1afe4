// Shows a plan by the installed plugin's own code and a harness of its own, as the plugin does
// for an approval.
//   node brief.mjs PLUGIN_FOLDER, what to show as the standard input

import path from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(folder, name)));
const [{ Harness }, { READING }, { handOver }] = await Promise.all(["harness.js", "reading.js", "settings.js"].map(load));
const { plan, stateDir, config, room } = JSON.parse(await text(process.stdin));
const harness = new Harness({ warn: console.error, error: console.error });
harness.from(path.join(folder, "bin", "crm-harness"), handOver(config, folder, stateDir));
console.log(JSON.stringify(await harness.show(plan, { ...room, reading: READING })));
await harness.stop();
