// What all modules of this plugin in one process share: the gateway loads a plugin more than once,
// and each time as another module.
//
// They meet at a symbol of globalThis, which every other plugin of the gateway sees as well. So
// nothing stands there but what any tool may do: to call one, and to show a plan. The rest
// (approving, denying, the settings with their secrets) is in a closure, and `join` lets in whoever
// proves that they can read a file which only this user can read. That is the boundary of the
// harness itself: who can read and write its data as this user can approve a plan on the command
// line, too. The proof goes both ways, so that nobody can take this place beforehand and be handed
// the settings.
//
// It is no wall against a plugin that patches this process; see README.md.

import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const NAME = Symbol.for("crm-claw");
/** Bytes of the token and of a challenge. */
const RANDOM = 32;

const mac = (token, who, challenge) => createHmac("sha256", token).update(`${who}:`).update(challenge).digest();
const same = (one, other) => Buffer.isBuffer(other) && one.length === other.length && timingSafeEqual(one, other);

/** Where the token of this process lies. */
const fileIn = (folder) => path.join(folder, `joined-${process.pid}`);

/** Draws the token, and writes it where this plugin's modules find it. What lies there is of a process that is no more. */
function draw(folder) {
  const token = randomBytes(RANDOM);
  const file = fileIn(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  rmSync(file, { force: true });
  writeFileSync(file, token, { flag: "wx", mode: 0o600 });
  process.once("exit", () => rmSync(file, { force: true }));
  return token;
}

/** Makes the meeting place. Its state is in this closure alone. */
function begin(folder) {
  const token = draw(folder);
  const state = { key: "", harness: null, users: 0, proposals: new Map() };
  const running = () => {
    if (!state.harness) throw new Error("The CRM harness is not started");
    return state.harness;
  };
  const place = Object.freeze({
    __proto__: null,
    /** Calls a tool. What writes is only proposed. */
    call: (name, args, signal) => running().call(name, args, signal),
    /** A plan in a few words. */
    show: (plan, room) => running().show(plan, room),
    /** Which services are configured. */
    services: () => state.harness?.services ?? "",
    /** Lets a module of this plugin in. */
    join(challenge, proof) {
      if (!same(mac(token, "module", challenge), proof)) throw new Error("Only the CRM plugin itself may join");
      return { proof: mac(token, "place", challenge), state };
    },
  });
  Object.defineProperty(globalThis, NAME, { value: place, enumerable: false, writable: false, configurable: false });
  return place;
}

/** What is shared, for a module of this plugin. `folder` is where it keeps what lasts: the same for all of them, whatever their settings. */
export function join(folder) {
  const place = globalThis[NAME] ?? begin(folder);
  const elsewhere = () => new Error("Something else has taken the CRM plugin's place in this gateway: restart it, and look at its other plugins");
  if (typeof place.join !== "function") throw elsewhere();
  let token;
  try {
    token = readFileSync(fileIn(folder));
  } catch {
    throw elsewhere();
  }
  const challenge = randomBytes(RANDOM);
  const { proof, state } = place.join(challenge, mac(token, "module", challenge)) ?? {};
  if (!same(mac(token, "place", challenge), proof)) throw elsewhere();
  return state;
}

/** Which services are configured, in a sentence, once a harness has said so. */
export function services() {
  const place = globalThis[NAME];
  return typeof place?.services === "function" ? place.services() : "";
}

/** A name for settings that tells nothing of them. */
export function keyOf(...settings) {
  return createHash("sha256").update(JSON.stringify(settings)).digest("hex");
}
