// `local run` on free ports, in a folder of its own.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROJECT = new URL("../../", import.meta.url).pathname;
const PARTS = ["API", "GOOGLE", "BUS", "POSTGRES", "FUNCTIONS"];
// What a developer may have set for other purposes is not for tests to write to. Empty counts as not set.
const NOT_OURS = ["DATABASE_URL", "GOOGLE_CALENDAR_API_URL", "GOOGLE_SERVICE_ACCOUNT_JSON", "GOOGLE_CALENDAR_ID"];

/** Starts everything with these settings and a key of each kind, and comes back when the API answers. */
export async function startStack(settings) {
  const folder = await mkdtemp(join(tmpdir(), "browser-checks-"));
  // PostgreSQL may run as another user.
  await chmod(folder, 0o755);
  const ports = await freePorts(PARTS.length);
  const keys = { booking: newKey(), all: newKey() };
  const child = spawn(process.env.LOCAL, ["run"], {
    cwd: PROJECT,
    env: {
      ...process.env,
      ...Object.fromEntries(NOT_OURS.map((name) => [name, ""])),
      ...Object.fromEntries(PARTS.map((part, at) => [`LOCAL_${part}_PORT`, String(ports[at])])),
      LOCAL_FOLDER: folder,
      API_KEYS: `page:appointments:${hash(keys.booking)},operator:appointments+calendar:${hash(keys.all)}`,
      ...settings,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const interrupt = () => child.kill("SIGINT");
  // When the tests are ended, it does not stay. Ctrl-C in a terminal reaches it, too.
  process.on("exit", interrupt);
  process.once("SIGTERM", () => process.exit(1));
  const ended = once(child, "exit");
  await lineWith(child.stdout, "ready");
  const url = `http://127.0.0.1:${ports[0]}/`;
  return {
    url,
    keys,
    /** Asks the API as no browser would: without an origin. */
    async ask(method, path, body) {
      const headers = { Authorization: `Bearer ${keys.all}`, "Content-Type": "application/json" };
      const response = await fetch(new URL(path, url), { method, headers, body: body && JSON.stringify(body) });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },
    async stop() {
      interrupt();
      await ended;
      process.off("exit", interrupt);
      await rm(folder, { recursive: true });
    },
  };
}

async function lineWith(stream, text) {
  for await (const line of createInterface({ input: stream })) {
    if (line.includes(text)) {
      // Nobody reads on, and nothing may wait for a reader.
      stream.resume();
      return;
    }
  }
  throw new Error(`the stack ended before it said '${text}'`);
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

function newKey() {
  return randomBytes(32).toString("hex");
}

function hash(key) {
  return createHash("sha256").update(key).digest("hex");
}
