#!/usr/bin/env node
// Plays the harness for tests of the plugin: MCP on its standard streams, the channel on descriptor
// 3. Whatever it is told on the channel it notes in `told` beside the folder that it is handed over
// as its data.

import { appendFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { Socket } from "node:net";

const PLAN = "d".repeat(64);
const channel = new Socket({ fd: 3 });
let told;
const note = (message) => appendFileSync(told, `${JSON.stringify(message)}\n`);
let state = "waiting";

createInterface({ input: channel }).on("line", (line) => {
  const message = JSON.parse(line);
  if (message.settings) {
    told = path.join(path.dirname(message.settings.dataDir), "told");
    note(message);
    channel.write(`${JSON.stringify({ ready: { services: "Configured: the CRM." } })}\n`);
    return;
  }
  note(message);
  if (message.method === "approve") state = "done";
  const result = message.method === "show" ? { title: "Follow-up", text: "Call them" } : { content: [], structuredContent: { plan: PLAN, state } };
  channel.write(`${JSON.stringify({ id: message.id, result })}\n`);
});

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const message = JSON.parse(line);
    if (message.id === undefined) return;
    const result = message.method === "tools/call" ? { content: [], structuredContent: { plan: PLAN, state } } : {};
    process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: message.id, result })}\n`);
  })
  .on("close", () => process.exit(0));
