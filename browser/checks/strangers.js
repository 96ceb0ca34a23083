// Pages from elsewhere: with the best of keys they learn nothing and change nothing.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { allowed, api, booking, call, strangers, withPage } from "./scene.js";

/** What each page tries, on an appointment that is there. */
function attempts(booked) {
  const path = `/appointments/${booked.id}`;
  return [
    ["POST", "/appointments", { body: booking() }],
    ["POST", "/appointments", { body: booking(), headers: { "Idempotency-Key": "1" } }],
    ["GET", "/appointments"],
    ["GET", path],
    ["GET", "/health", { key: null }],
    ["GET", "/openapi.json", { key: null, cache: "force-cache" }],
    ["PATCH", path, { body: { notes: "changed" } }],
    ["POST", `${path}/cancel`],
    ["DELETE", path],
    ["POST", "/appointments", { body: booking(), credentials: "include" }],
  ];
}

/** Lets a page, or a frame of one, try everything, and looks at what is stored afterwards. */
async function getsNowhere(page, frame = page) {
  const booked = await api.ask("POST", "/appointments", booking());
  const before = await stored();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  for (const [method, path, how] of attempts(booked)) {
    const answer = await call(frame, method, path, how);
    assert.match(answer.rejected ?? "", /Failed to fetch/, `${method} ${path} was answered: ${answer.status}`);
  }
  const blocked = complaints.filter((text) => /blocked by CORS policy: (Response to preflight|No 'Access-Control)/.test(text));
  assert.equal(blocked.length, attempts(booked).length, `for another reason: ${complaints.join("\n")}`);
  // Without CORS a browser sends no key along, and gives no answer to the page.
  const blind = await call(frame, "POST", "/appointments", { body: booking(), mode: "no-cors" });
  assert.deepEqual([blind.status, blind.body], [0, ""]);
  assert.deepEqual(await stored(), before);
}

test("a page from an origin that only looks like an allowed one gets nowhere", async () => {
  for (const origin of strangers) await withPage(origin, (page) => getsNowhere(page));
});

test("a page of another scheme gets nowhere", () =>
  withPage("about:blank", async (page) => {
    const https = allowed[2].replace("http:", "https:");
    // A page that no server sent counts as one from the internet, which has to ask before it reaches this machine.
    await page.context().grantPermissions(["local-network-access"], { origin: https });
    await page.route(`${https}/`, (route) => route.fulfill({ contentType: "text/html", body: "<p>secure</p>" }));
    await page.goto(https);
    await page.unrouteAll();
    await getsNowhere(page);
  }));

test("a page without an origin gets nowhere: a sandboxed frame, a file", async () => {
  await withPage(allowed[0], async (page) => {
    await page.evaluate(() => {
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts";
      frame.srcdoc = "<p>in a box</p>";
      document.body.append(frame);
      return new Promise((resolve) => frame.addEventListener("load", resolve));
    });
    await getsNowhere(page, page.frames()[1]);
  });
  const folder = await mkdtemp(join(tmpdir(), "browser-checks-"));
  try {
    const file = join(folder, "page.html");
    await writeFile(file, "<p>a file</p>");
    await withPage(pathToFileURL(file).href, (page) => getsNowhere(page));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a form of another page posts without a key, and books nothing", () =>
  withPage(strangers[0], async (page) => {
    const before = await stored();
    const answer = page.waitForResponse(`${api.url}appointments`);
    await page.evaluate(([url, text]) => {
      document.body.innerHTML = `<form method="post" enctype="text/plain" action="${url}appointments"><input name="x"></form>`;
      document.querySelector("input").name = text;
      document.querySelector("form").submit();
    }, [api.url, JSON.stringify(booking())]);
    assert.equal((await answer).status(), 401);
    assert.deepEqual(await stored(), before);
  }));

/** Everything that is booked, and how often each was changed. */
async function stored() {
  const { items, next_cursor: more } = await api.ask("GET", "/appointments?limit=200");
  assert.equal(more, null);
  return items.map(({ id, version, status, notes }) => ({ id, version, status, notes }));
}
