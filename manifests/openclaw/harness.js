// The harness as a child process: MCP over its standard streams, and a channel that this plugin
// alone holds.
//
// The child gets no environment and no secret among its arguments: settings and credentials go over
// the channel, an inherited socket, and plans are approved and denied there. No tool call reaches
// it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Version of the Model Context Protocol that is spoken. */
const PROTOCOL = "2025-11-25";
/** How long the harness may take to its end once its input is closed, in milliseconds; it finishes what was approved first. */
const STOPPING_MS = 25_000;
/** Longest message to the harness, in characters; it takes far shorter arguments. */
const MESSAGE_MAX = 4 << 20;
/** How long one has to have run to be started again at once, in milliseconds: what dies at its start would only die again. */
const STEADY_MS = 5_000;

/** Takes lines from a stream. What breaks off with its process is told by the process's end, and must not end this one. */
function lines(input, take) {
  input.on("error", () => {});
  createInterface({ input }).on("line", take).on("error", () => {});
}

/** Requests and answers over a pair of streams, a JSON message a line. */
class Peer {
  #output;
  #waiting = new Map();
  #last = 0;
  #other;
  #closed = null;

  /** `other` gets the messages that answer nothing. */
  constructor(input, output, other = () => {}) {
    this.#output = output;
    this.#other = other;
    output.on("error", () => {});
    lines(input, (line) => this.#take(line));
  }

  #take(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      message = null;
    }
    // What is no message answers nothing.
    if (message === null || typeof message !== "object") return;
    const waiting = this.#waiting.get(message.id);
    if (!waiting || message.method) return this.#other(message);
    this.#waiting.delete(message.id);
    if (message.error) waiting.reject(new Error(message.error.message ?? message.error));
    else waiting.resolve(message.result);
  }

  tell(message) {
    this.#write(JSON.stringify(message));
  }

  #write(line) {
    this.#output.write(`${line}\n`);
  }

  /** Asks; where `signal` aborts, `cancelled` is called with the request's id and nothing is waited for any more. */
  ask(method, params, { signal, cancelled } = {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const line = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      const abort = () => {
        this.#waiting.delete(id);
        cancelled?.(id);
        reject(signal.reason ?? new Error("the call was cancelled"));
      };
      if (this.#closed) return reject(this.#closed);
      if (signal?.aborted) return abort();
      if (line.length > MESSAGE_MAX) return reject(new Error("the arguments are too long: ask for less at once"));
      signal?.addEventListener("abort", abort, { once: true });
      const done = (settle) => (value) => {
        signal?.removeEventListener("abort", abort);
        settle(value);
      };
      this.#waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      this.#write(line);
    });
  }

  close(error) {
    this.#closed = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** The harness has ended while something was asked of it. */
export class Ended extends Error {}

/** One child, from its start to its end. */
class Session {
  constructor(program, handOver, log, ended) {
    this.begun = Date.now();
    this.child = spawn(program, ["mcp", "--channel", "3"], { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe", "pipe"] });
    const { stdin, stdout, stderr, stdio } = this.child;
    // What the operator has to know, and no answer says.
    lines(stderr, (line) => log.warn(`crm-harness: ${line}`));
    this.mcp = new Peer(stdout, stdin);
    let ready;
    const services = new Promise((resolve) => (ready = resolve));
    this.channel = new Peer(stdio[3], stdio[3], (message) => ready(message.ready?.services ?? ""));
    this.channel.tell(handOver);
    this.over = new Promise((resolve) => {
      const end = (why) => {
        const error = new Ended(`The CRM harness has ended${why && ` (${why})`}. The gateway's log says why`);
        this.mcp.close(error);
        this.channel.close(error);
        resolve(error);
        ended(this);
      };
      this.child.once("error", (error) => end(error.message));
      this.child.once("close", (code, signal) => end(signal ?? (code ? `status ${code}` : "")));
    });
    this.ready = Promise.race([this.#begin(services), this.over.then((error) => Promise.reject(error))]);
    // Whoever waits for it is told; nobody has to.
    this.ready.catch(() => {});
  }

  async #begin(services) {
    const clientInfo = { name: "openclaw", version: "1" };
    await this.mcp.ask("initialize", { protocolVersion: PROTOCOL, capabilities: {}, clientInfo });
    this.mcp.tell({ jsonrpc: "2.0", method: "notifications/initialized" });
    return services;
  }

  async stop() {
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOPPING_MS);
    await this.over;
    clearTimeout(timer);
  }
}

/** The harness, started when it is needed and again if it dies. */
export class Harness {
  /** Which services are configured, in a sentence, once the harness has said so. */
  services = "";
  #program;
  #handOver;
  #log;
  #session = null;
  #stopped = false;

  constructor(log) {
    this.#log = log;
  }

  /** From where and with what it starts the next time. */
  from(program, handOver) {
    this.#program = program;
    this.#handOver = handOver;
  }

  /** Starts it, also after it was stopped. */
  async start() {
    this.#stopped = false;
    await this.#running();
  }

  /** The one that runs; it is started if none does, unless it was stopped. */
  async #running() {
    if (this.#stopped) throw new Error("The CRM harness was stopped with its plugin");
    this.#session ??= new Session(this.#program, this.#handOver, this.#log, (session) => this.#ended(session));
    const session = this.#session;
    this.services = await session.ready;
    return session;
  }

  /** One that has run for a while is started again at once; one that dies at its start waits for the next call. */
  async #ended(session) {
    if (this.#session === session) this.#session = null;
    if (this.#stopped) return;
    const error = await session.over;
    this.#log.warn(error.message);
    const steady = Date.now() - session.begun > STEADY_MS;
    if (steady && !this.#stopped) this.#running().catch((failed) => this.#log.error(failed.message));
  }

  /** Asks once more where the harness ended in the middle: the same call finds the same plan, an approved one goes on where it was. */
  async #persisting(ask) {
    try {
      return await ask(await this.#running());
    } catch (error) {
      if (!(error instanceof Ended) || this.#stopped) throw error;
      return ask(await this.#running());
    }
  }

  /** Calls a tool; the result as MCP has it. `signal` stops the action. */
  call(name, args, signal) {
    return this.#persisting(({ mcp }) => {
      const cancelled = (requestId) => mcp.tell({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } });
      return mcp.ask("tools/call", { name, arguments: args }, { signal, cancelled });
    });
  }

  /** A plan in a few words, for the person who decides. */
  show(plan, room) {
    return this.#persisting(({ channel }) => channel.ask("show", { plan, ...room }));
  }

  /** Performs a plan; what was begun is finished, even if `signal` stops the waiting. */
  approve(plan, signal) {
    return this.#persisting(({ channel }) => channel.ask("approve", { plan }, { signal }));
  }

  /** Drops a plan. */
  deny(plan) {
    return this.#persisting(({ channel }) => channel.ask("deny", { plan }));
  }

  /** Stops it; what was approved is finished first. */
  async stop() {
    this.#stopped = true;
    await this.#session?.stop();
  }
}
