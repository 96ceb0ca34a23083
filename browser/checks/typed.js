// The OpenAPI document as a frontend uses it: types are generated from it, a client is compiled on them and run.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { api, booking } from "./scene.js";

const HERE = new URL("../", import.meta.url);
const run = promisify(execFile);

test("a client on generated types compiles, and finds slots, books, lists, reschedules and cancels", async () => {
  await compileClient();
  const { book, cancel, clinicAt, freeSlots, reschedule, upcoming } = await import("../built/client.js");
  const clinic = clinicAt(api.url, api.keys.booking);

  const day = booking().starts_at.slice(0, 10);
  const slots = await freeSlots(clinic, `${day}T00:00:00+05:00`, `${day}T23:00:00+05:00`);
  assert.equal(slots.length, 16);
  const [nine, halfPast] = slots;

  const key = randomUUID();
  const { is, appointment } = await book(clinic, "H. Baig", nine, key);
  assert.deepEqual([is, appointment.starts_at, appointment.patient_phone], ["done", `${day}T09:00:00+05:00`, null]);
  assert.deepEqual(await book(clinic, "H. Baig", nine, key), { is, appointment }, "the same key, the same answer");
  assert.deepEqual(await book(clinic, "I. Zafar", nine, randomUUID()), { is: "taken" });
  const empty = await book(clinic, "", nine, randomUUID());
  assert.deepEqual(empty, { is: "not acceptable", fields: ["/patient_name"] });
  assert.deepEqual(await book(clinicAt(api.url, "wrong"), "H. Baig", nine, key), { is: "not allowed" });

  const listed = await upcoming(clinic, nine.starts_at);
  assert.ok(listed.some(({ id }) => id === appointment.id));

  const moved = await reschedule(clinic, appointment, halfPast);
  assert.deepEqual([moved.is, moved.appointment.starts_at], ["done", halfPast.starts_at]);
  assert.deepEqual(await reschedule(clinic, appointment, nine), { is: "changed meanwhile" });
  const gone = await reschedule(clinic, { ...appointment, id: randomUUID() }, nine);
  assert.deepEqual(gone, { is: "not there" });

  assert.equal((await cancel(clinic, moved.appointment, "moved away")).status, "cancelled");
  const late = await reschedule(clinic, { ...moved.appointment, version: 3 }, nine);
  assert.deepEqual(late, { is: "cancelled already" });
});

/** Compiles `typed/`, where `wrong.ts` says what must not. */
async function compileClient() {
  await rm(new URL("built", HERE), { recursive: true, force: true });
  const document = await fetch(new URL("openapi.json", api.url));
  await writeFile(new URL("typed/openapi.json", HERE), await document.text());
  await tool("openapi-typescript", "typed/openapi.json", "--output", "typed/api.d.ts");
  await tool("tsc", "--project", "typed");
}

/** Runs one of the npm packages' programs; what it says of a failure is the failure's message. */
async function tool(name, ...args) {
  const program = fileURLToPath(new URL(`node_modules/.bin/${name}`, HERE));
  await run(program, args, { cwd: HERE }).catch((fault) => {
    throw new Error(`${name}: ${fault.stdout}${fault.stderr}`);
  });
}
