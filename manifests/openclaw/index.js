// The CRM skill in OpenClaw: its tools, run by the harness beside this file, and a person's word
// for whatever writes.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import { Harness } from "./harness.js";
import { READING, registerReading } from "./reading.js";
import { handOver } from "./settings.js";
import { join, keyOf, services } from "./shared.js";
import manifest from "./openclaw.plugin.json" with { type: "json" };
import tools from "./tools.json" with { type: "json" };

const { id, name, description, version } = manifest;

const folder = path.dirname(fileURLToPath(import.meta.url));
const program = path.join(folder, "bin", "crm-harness");
/** What OpenClaw shows of an approval; at 390 pixels a line has 38 characters, and behind 9 lines Deny is out of view. */
const ROOM = { title: 80, text: 512, columns: 38, lines: 9 };
/** How long a person may take, in seconds: as long as OpenClaw lets them. */
const DECIDING_SECONDS = 600;
/** Proposals that wait for their call; of more the oldest is forgotten, and its plan expires. */
const PROPOSALS_MAX = 256;

const proposing = tools.filter((tool) => !tool.annotations.readOnlyHint).map((tool) => tool.name);

/** The one call that a proposal is for: this one, with exactly these arguments. */
const nameOf = (callId, name, params) => JSON.stringify([callId, name, params]);

/** Sees to the one harness with these settings; where they have changed, another takes its place. */
function harnessWith(shared, config, stateDir, log) {
  const settings = handOver(config, folder, stateDir);
  const key = keyOf(version, config);
  if (shared.key !== key) {
    shared.harness?.stop();
    Object.assign(shared, { key, harness: new Harness(log) });
  }
  // Each module has files of its own, which last as long as it does.
  shared.harness.from(program, settings);
  return shared.harness;
}

/** Keeps what was proposed between the hook and the call. */
function remember(proposals, key, proposal) {
  proposals.set(key, proposal);
  if (proposals.size > PROPOSALS_MAX) proposals.delete(proposals.keys().next().value);
}

/** A tool's result as OpenClaw has it; `ok` grades the call. */
function result({ content, structuredContent, isError }) {
  return { content, details: { ok: !isError, crm: structuredContent } };
}

/** The approval of a plan: the host's own words for it. */
function approval(brief, seconds, onResolution) {
  const { title, text, message } = brief;
  const scope = message && {
    kind: "message-send",
    target: message.target,
    recipientCount: message.count,
    recipients: message.recipients,
    audience: message.outside ? "external" : "internal",
  };
  return {
    title,
    description: text,
    severity: "warning",
    ...(scope && { scope }),
    allowedDecisions: ["allow-once", "deny"],
    timeoutMs: seconds * 1000,
    onResolution,
  };
}

export default definePluginEntry({
  id,
  name,
  description,
  register(api) {
    const config = api.pluginConfig ?? {};
    const stateDir = () => api.runtime.state.resolveStateDir();
    let joined = null;
    const shared = () => (joined ??= join(path.join(stateDir(), "crm-claw")));
    const renewed = () => harnessWith(shared(), config, stateDir(), api.logger);
    // Some registrations are only looked at, and have no secrets: what is not used starts nothing.
    // One whose settings are no longer those of the service uses the service's.
    const harness = () => shared().harness ?? renewed();
    let running = false;
    registerReading(api, config, folder, program);

    for (const { name, description, inputSchema } of tools) {
      const tool = () => ({
        name,
        label: name.replaceAll("_", " "),
        // Which services are configured is known to the assistant without a call.
        description: name.endsWith("_status") ? `${description} ${services()}`.trimEnd() : description,
        parameters: inputSchema,
        execute: (callId, params, signal) => execute(callId, name, params ?? {}, signal),
      });
      api.registerTool(tool, { names: [name] });
    }

    async function execute(callId, name, params, signal) {
      const { proposals } = shared();
      const key = nameOf(callId, name, params);
      const proposal = proposals.get(key);
      proposals.delete(key);
      if (proposal?.answer) return result(proposal.answer);
      if (proposal?.approved) return result(await harness().approve(proposal.plan, signal));
      // Nobody was asked about exactly this: what writes is only proposed.
      return result(await harness().call(name, params, signal));
    }

    api.on(
      "before_tool_call",
      async (event, ctx) => {
        if (!proposing.includes(event.toolName)) return;
        const key = nameOf(event.toolCallId, event.toolName, event.params);
        try {
          const { proposals } = shared();
          const answer = await harness().call(event.toolName, event.params, ctx?.abortSignal);
          const { plan, state } = answer.structuredContent ?? {};
          // Refused, finished before, or let through by the operator's policy: there is nothing to
          // ask.
          if (state !== "waiting") return remember(proposals, key, { answer });
          // The same call twice is one plan, and one word about it.
          const known = proposals.get(key);
          const proposal = known?.plan === plan ? known : { plan, approved: false };
          remember(proposals, key, proposal);
          const requireApproval = approval(await harness().show(plan, { ...ROOM, reading: READING }), config.decidingSeconds ?? DECIDING_SECONDS, (decision) => {
            proposal.approved = decision === "allow-once";
            if (proposal.approved) return;
            proposals.delete(key);
            // What cannot be denied any more expires by itself.
            return harness().deny(plan).then(() => {}, (error) => api.logger.warn(error.message));
          });
          return { requireApproval };
        } catch (error) {
          return { block: true, blockReason: error.message };
        }
      },
      { matcher: proposing },
    );

    api.registerService({
      id,
      start: async () => {
        shared().users += running ? 0 : 1;
        running = true;
        await renewed().start();
      },
      stop: async () => {
        shared().users -= running ? 1 : 0;
        running = false;
        // A registration that takes this one's place may have begun already.
        if (shared().users === 0) await shared().harness?.stop();
      },
    });
  },
});
