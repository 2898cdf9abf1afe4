// `openclaw crm-claw plan DIGITS`: a whole plan, as the harness beside this file shows it. It only
// shows: nothing is decided here.

import { spawn } from "node:child_process";
import path from "node:path";

/** The command that a person is told, but for the digits. */
export const READING = "openclaw crm-claw plan";
/** What names a plan: the beginning of its digest, long enough that no other plan is meant by chance. */
const DIGITS = /^[0-9a-f]{8,64}$/;

/** The arguments of the harness. No secret is among them, and none is needed to look. */
export function readingArguments(digits, config, folder, stateDir) {
  if (!DIGITS.test(digits)) throw new Error("Give at least 8 digits of the plan's digest, as the request for approval shows them");
  const dataDir = config.dataDir ?? path.join(stateDir, "crm-claw");
  return [
    "plan", "show", digits,
    "--component", path.join(folder, "bin", "crm_skill.wasm"),
    "--manifest", path.join(folder, "bin", "skill.toml"),
    "--data-dir", dataDir,
    "--cache-dir", path.join(dataDir, "code"),
    ...(config.operator ? ["--operator", config.operator] : []),
    ...(config.allowLoopback ? ["--allow-loopback"] : []),
  ];
}

/** Adds the command to OpenClaw's own. */
export function registerReading(api, config, folder, program) {
  const description = "Shows a plan of the CRM skill in full";
  const show = (digits) =>
    new Promise((resolve, reject) => {
      const given = readingArguments(digits, config, folder, api.runtime.state.resolveStateDir());
      const child = spawn(program, given, { cwd: "/", env: {}, stdio: ["ignore", "inherit", "inherit"] });
      child.once("error", reject);
      child.once("close", (code) => {
        if (code) process.exitCode = code;
        resolve();
      });
    });
  api.registerCli?.(
    ({ program: commands }) => {
      const own = commands.command("crm-claw").description("Plans of the CRM skill");
      own.command("plan").argument("<digits>", "the beginning of the plan's digest, at least 8 digits").description(description).action(show);
    },
    { descriptors: [{ name: "crm-claw", description: "Plans of the CRM skill", hasSubcommands: true }] },
  );
}
