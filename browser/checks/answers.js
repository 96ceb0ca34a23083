// What a page from an allowed origin may do and read, by `fetch` alone.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { allowed, api, booking, call, withPage } from "./scene.js";

test("a page books, reads, changes and cancels, and reads the headers that help it", () =>
  withPage(allowed[0], async (page) => {
    const wanted = booking();
    const headers = { "Idempotency-Key": randomUUID() };
    const booked = await call(page, "POST", "/appointments", { body: wanted, headers });
    assert.equal(booked.status, 201);
    const path = `/appointments/${booked.body.id}`;
    assert.equal(booked.headers.location, path);
    assert.equal(booked.headers.etag, '"1"');
    assert.ok(booked.headers["x-request-id"]);
    assert.equal(booked.headers["idempotent-replayed"], undefined);

    const again = await call(page, "POST", "/appointments", { body: wanted, headers });
    assert.equal(again.headers["idempotent-replayed"], "true");
    assert.deepEqual(again.body, booked.body);

    const list = await call(page, "GET", `/appointments?from=${encodeURIComponent(wanted.starts_at)}&limit=1`);
    assert.equal(list.body.items[0].id, booked.body.id);

    const asSeen = { "If-Match": booked.headers.etag };
    const changed = await call(page, "PATCH", path, { body: { notes: "bring the x-ray" }, headers: asSeen });
    assert.deepEqual([changed.status, changed.headers.etag], [200, '"2"']);
    const stale = await call(page, "PATCH", path, { body: { notes: "none" }, headers: asSeen });
    assert.deepEqual([stale.status, stale.body.code], [412, "version_conflict"]);

    const cancelled = await call(page, "POST", `${path}/cancel`, { headers: { "If-Match": '"2"' } });
    assert.deepEqual([cancelled.status, cancelled.body.status], [200, "cancelled"]);
    assert.deepEqual(await call(page, "DELETE", path).then(({ status, body }) => [status, body]), [204, ""]);
  }));

test("a page reads every problem", () =>
  withPage(allowed[0], async (page) => {
    const wanted = booking();
    const { body: booked } = await call(page, "POST", "/appointments", { body: wanted });
    const path = `/appointments/${booked.id}`;
    const nobody = "0190f0c2-0000-7000-8000-000000000000";
    for (const [status, code, method, where, how] of [
      [400, "malformed_idempotency_key", "POST", "/appointments", { body: wanted, headers: { "Idempotency-Key": "" } }],
      [401, "unauthorized", "GET", "/appointments", { key: "wrong" }],
      [401, "unauthorized", "GET", "/appointments", { key: null }],
      [403, "missing_scope", "GET", "/calendar/status", { key: api.keys.booking }],
      [404, "not_found", "GET", `/appointments/${nobody}`],
      [404, "not_found", "GET", "/nowhere"],
      [405, "method_not_allowed", "DELETE", "/availability"],
      [409, "slot_taken", "POST", "/appointments", { body: wanted }],
      [412, "version_conflict", "PATCH", path, { body: { notes: null }, headers: { "If-Match": '"7"' } }],
      [413, "body_too_large", "POST", "/appointments", { body: { ...wanted, notes: "x".repeat(70_000) } }],
      [422, "validation_failed", "POST", "/appointments", { body: { ...wanted, patient_name: "" } }],
    ]) {
      const answer = await call(page, method, where, how);
      assert.deepEqual([answer.status, answer.body?.code], [status, code], `${method} ${where}: ${answer.rejected}`);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      assert.ok(answer.body.detail);
      assert.ok(answer.headers["x-request-id"], "what to name when one asks for help");
    }
  }));

test("a preflight is good for the next request, too", () =>
  withPage(allowed[0], async (page) => {
    const network = await page.context().newCDPSession(page);
    const asked = [];
    network.on("Network.requestWillBeSent", ({ request }) => asked.push(request.method));
    await network.send("Network.enable");
    for (const starts of [booking(), booking()]) await call(page, "POST", "/appointments", { body: starts });
    assert.deepEqual(asked.sort(), ["OPTIONS", "POST", "POST"]);
  }));

test("an answer that is kept for one allowed origin is not given to another", () =>
  withPage(allowed[0], async (page) => {
    for (const origin of [allowed[0], allowed[1], allowed[0]]) {
      // Pages on two ports share what is kept.
      await page.goto(origin);
      const kept = await call(page, "GET", "/openapi.json", { key: null, cache: "force-cache" });
      assert.equal(kept.body?.openapi, "3.1.0", `${origin}: ${kept.rejected}`);
    }
  }));

test("cookies are never asked for: a request with credentials is not answered to the page", () =>
  withPage(allowed[0], async (page) => {
    const answer = await call(page, "GET", "/appointments", { credentials: "include" });
    assert.match(answer.rejected, /Failed to fetch/);
    assert.equal((await call(page, "GET", "/appointments", { credentials: "omit" })).status, 200);
  }));
