// The plugin's own harness.js with programs that are no harness: whatever they do ends no gateway,
// and is told.
//   node broken.mjs PLUGIN_FOLDER PROGRAM...

import { pathToFileURL } from "node:url";

const [folder, ...programs] = process.argv.slice(2);
const { Harness } = await import(pathToFileURL(`${folder}/harness.js`));
const log = { warn: () => {}, error: () => {} };
// More than a socket takes in: a program that does not read leaves it unread.
const settings = { settings: {}, variables: { LONG: "x".repeat(1 << 20) } };
for (const program of programs) {
  const harness = new Harness(log);
  harness.from(program, settings);
  const told = () => harness.call("crm_search", { query: "anything" }).then(() => "answered", (error) => error.message);
  console.log(await told());
  await harness.stop();
  console.log(await told());
}
