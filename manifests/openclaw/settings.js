// From the plugin's configuration to what the harness is handed over.

import path from "node:path";

/** Members of the configuration that stand for a variable of the harness. */
const VARIABLES = {
  "twenty.url": "TWENTY_API_URL",
  "twenty.key": "TWENTY_API_KEY",
  "tezit.url": "TEZIT_RELAY_URL",
  "tezit.token": "TEZIT_TOKEN",
  "tezit.team": "TEZIT_TEAM_ID",
  "tezit.user": "TEZIT_USER_ID",
  "workspace.url": "PA_WORKSPACE_API_URL",
  "workspace.token": "PA_WORKSPACE_SERVICE_TOKEN",
  "workspace.address": "PA_EMAIL",
  "workspace.recipients": "PA_WORKSPACE_RECIPIENTS",
};

/** The first message on the channel. `folder` is where the plugin lies, `stateDir` where the gateway keeps what lasts. */
export function handOver(config, folder, stateDir) {
  const { operator, caller, me = {}, allowLoopback = false, dataDir, now } = config;
  const variables = {};
  for (const [place, name] of Object.entries(VARIABLES)) {
    const [section, key] = place.split(".");
    const value = config[section]?.[key];
    if (value === undefined) continue;
    variables[name] = Array.isArray(value) ? value.join(",") : value;
    if (typeof variables[name] !== "string") throw new Error(`plugins.entries.crm-claw.config.${place}: the secret that it names was not resolved`);
  }
  const settings = {
    component: path.join(folder, "bin", "crm_skill.wasm"),
    manifest: path.join(folder, "bin", "skill.toml"),
    dataDir: dataDir ?? path.join(stateDir, "crm-claw"),
    cacheDir: path.join(dataDir ?? path.join(stateDir, "crm-claw"), "code"),
    allowLoopback,
    operator,
    caller,
    callerEmail: me.email,
    callerName: me.name,
    timeZone: me.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    now,
  };
  return { settings, variables };
}
