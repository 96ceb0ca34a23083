// The example page, used as a person uses it: by its fields and buttons.

import assert from "node:assert/strict";
import { test } from "node:test";

import { allowed, api, booking, strangers, withPage } from "./scene.js";

test("a person books, moves and cancels by the buttons of the page", () =>
  withExample(async (page) => {
    const day = aDay();
    await page.choose(day);
    await page.fill({ Patient: "B. Malik", Phone: "0300 1234567", Reason: "Check-up" });
    await page.click("09:00");
    await page.says("status", `Booked for B. Malik at ${day} 09:00.`);
    assert.equal(await page.button("09:00").count(), 0, "a time that is taken is not offered");
    assert.equal(await page.button("16:30").count(), 1, "nor is the last one forgotten");

    const row = page.row("Check-up: B. Malik");
    await until(async () => {
      await page.click("Refresh");
      return (await row.textContent()).includes("in Google Calendar");
    });

    await row.getByRole("button", { name: "Move" }).click();
    await page.says("status", "Choose a new time for B. Malik.");
    await page.click("10:30");
    await page.says("status", `Moved to ${day} 10:30.`);
    assert.match(await row.textContent(), /10:30/);
    const [moved] = await bookedOn(day);
    assert.deepEqual([moved.starts_at, moved.ends_at], [`${day}T10:30:00+05:00`, `${day}T11:00:00+05:00`]);

    await row.getByRole("button", { name: "Cancel" }).click();
    await page.says("status", "Cancelled: Check-up: B. Malik.");
    assert.equal(await row.count(), 0);
    assert.equal(await page.button("10:30").count(), 1, "its time is free again");
    assert.deepEqual(await bookedOn(day), []);
  }));

test("a doubled click books once", () =>
  withExample(async (page) => {
    const day = aDay();
    await page.choose(day);
    await page.fill({ Patient: "C. Raza" });
    await page.button("11:00").dblclick();
    await page.says("status", `Booked for C. Raza at ${day} 11:00.`);
    await page.row("C. Raza").waitFor();
    assert.equal((await bookedOn(day)).length, 1);
    assert.equal(await page.words("alert"), "");
  }));

test("a booking whose answer is lost is asked for again, and made once", () =>
  withExample(async (page) => {
    const day = aDay();
    let lost = 0;
    await page.page.route("**/appointments", async (route) => {
      if (route.request().method() !== "POST" || lost > 0) return route.continue();
      await route.fetch();
      lost += 1;
      return route.abort("connectionreset");
    });
    await page.choose(day);
    await page.fill({ Patient: "D. Iqbal" });
    await page.click("09:30");
    await page.says("status", `Booked for D. Iqbal at ${day} 09:30.`);
    assert.equal(lost, 1);
    assert.equal((await bookedOn(day)).length, 1);
  }));

test("a time that was taken meanwhile is said to be taken, and no longer offered", () =>
  withExample(async (page) => {
    const taken = booking();
    await page.choose(taken.starts_at.slice(0, 10));
    await page.fill({ Patient: "E. Shah" });
    await page.button("09:00").waitFor();
    await api.ask("POST", "/appointments", taken);
    await page.click("09:00");
    await page.says("alert", "This time has just been taken. Please choose another.");
    assert.equal(await page.button("09:00").count(), 0);
  }));

test("what somebody changed meanwhile is shown, and not overwritten", () =>
  withExample(async (page) => {
    const booked = await api.ask("POST", "/appointments", { ...booking(), patient_name: "F. Noor" });
    await page.click("Refresh");
    const row = page.row("Check-up: F. Noor");
    await row.waitFor();
    await api.ask("PATCH", `/appointments/${booked.id}`, { title: "X-ray: F. Noor" });
    await row.getByRole("button", { name: "Cancel" }).click();
    await page.says("alert", "Somebody changed this appointment meanwhile. Here it is as it stands now.");
    assert.equal(await page.row("X-ray: F. Noor").count(), 1);
    const now = await api.ask("GET", `/appointments/${booked.id}`);
    assert.deepEqual([now.status, now.version], ["scheduled", 2]);
  }));

test("what is wrong with a field is said in words", () =>
  withExample(async (page) => {
    await page.choose(aDay());
    await page.fill({ Patient: "G. Aziz", Phone: "none" });
    await page.click("09:00");
    await page.says("alert", /^patient_phone must /);
  }));

test("a key that is not good is said to be so", () =>
  withPage(allowed[0], async (page) => {
    await connect(page, "wrong");
    await page.getByText("The key or token is not good, or no longer.").waitFor();
  }));

test("a page whose origin is not allowed says what to look at", () =>
  withPage(strangers[0], async (page) => {
    await connect(page, api.keys.booking);
    await page.getByText(`does its ALLOWED_ORIGINS name ${strangers[0]}?`).waitFor();
  }));

/** The page, connected. */
function withExample(look) {
  return withPage(allowed[0], async (page) => {
    await connect(page, api.keys.booking);
    const example = new Example(page);
    await example.says("status", "Connected.");
    await look(example);
  });
}

async function connect(page, key) {
  await page.getByLabel("API").fill(api.url);
  await page.getByLabel("Key or token").fill(key);
  await page.getByRole("button", { name: "Connect" }).click();
}

class Example {
  constructor(page) {
    this.page = page;
  }

  choose(day) {
    return this.fill({ Day: day });
  }

  async fill(fields) {
    for (const [label, text] of Object.entries(fields)) await this.page.getByLabel(label).fill(text);
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  click(name) {
    return this.button(name).click();
  }

  row(text) {
    return this.page.getByRole("row").filter({ hasText: text });
  }

  words(role) {
    return this.page.getByRole(role).textContent();
  }

  says(role, words) {
    return this.page.getByRole(role).filter({ hasText: words }).waitFor();
  }
}

/** A Monday that no other check books on. */
function aDay() {
  return booking().starts_at.slice(0, 10);
}

async function bookedOn(day) {
  const query = new URLSearchParams({ status: "scheduled", from: `${day}T00:00:00+05:00`, to: `${day}T23:59:59+05:00` });
  return (await api.ask("GET", `/appointments?${query}`)).items;
}

/** Looks again until it is so; the test's own limit ends it. */
async function until(look) {
  while (!(await look()));
}
