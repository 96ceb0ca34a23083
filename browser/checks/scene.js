// What all checks share: the running system, three web servers, an issuer of tokens and a browser.

import { startChromium } from "./chromium.js";
import { startIssuer } from "./issuer.js";
import { servePages } from "./pages.js";
import { startStack } from "./stack.js";

export let api;
export let issuer;
/** Origins that ALLOWED_ORIGINS names, the example's first. */
export let allowed;
/** Origins that look like them, and are not. */
export let strangers;

let browser;
let started = [];

export async function set() {
  const [page, second, other] = (started = [await servePages(), await servePages(), await servePages()]);
  allowed = [page, second].map(({ port }) => `http://127.0.0.1:${port}`);
  allowed.push(`http://clinic.test:${page.port}`);
  strangers = [
    `http://127.0.0.1:${other.port}`,
    `http://clinic.test:${other.port}`,
    `http://localhost:${page.port}`,
    `http://clinic.test.elsewhere.test:${page.port}`,
    `http://www.clinic.test:${page.port}`,
    `http://my-clinic.test:${page.port}`,
  ];
  issuer = await startIssuer();
  started.push(issuer);
  api = await startStack({
    ALLOWED_ORIGINS: allowed.join(","),
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: "https://api.example.com",
    CLINIC_TIME_ZONE: "Asia/Karachi",
    WORKING_HOURS: "mon-fri 09:00-17:00",
  });
  started.push(api);
  browser = await startChromium();
}

export async function clear() {
  await browser?.close();
  // At once, so that one that cannot be stopped keeps up no other.
  await Promise.all(started.map((part) => part.stop()));
}

/** Runs `look` with a page of this address in a browser profile of its own. */
export async function withPage(address, look) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(address);
    return await look(page);
  } finally {
    await context.close();
  }
}

/** What `fetch` gives a page, or a frame of one, that asks the API. */
export function call(page, method, path, { body, headers, key = api.keys.all, ...init } = {}) {
  const request = {
    method,
    headers: { ...(key && { Authorization: `Bearer ${key}` }), ...headers },
    ...init,
  };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  return page.evaluate(async ([url, request]) => {
    try {
      const response = await fetch(url, request);
      const text = await response.text();
      const headers = Object.fromEntries(response.headers);
      return { status: response.status, headers, body: text && JSON.parse(text) };
    } catch (fault) {
      return { rejected: String(fault) };
    }
  }, [new URL(path, api.url).href, request]);
}

let days = 0;

/** A booking on a Monday of its own, at nine on the clinic's clock. */
export function booking() {
  days += 7;
  const day = new Date(Date.UTC(2030, 0, 7 + days)).toISOString().slice(0, 10);
  return { patient_name: "A. Khan", reason: "Check-up", starts_at: `${day}T09:00:00+05:00` };
}
