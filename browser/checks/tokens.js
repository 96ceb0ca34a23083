// A token of an issuer in the place of a key: what a page on the internet holds.

import assert from "node:assert/strict";
import { test } from "node:test";

import { allowed, booking, call, issuer, withPage } from "./scene.js";

test("a page books with its person's token, and reads when to try again while the issuer is away", () =>
  withPage(allowed[0], async (page) => {
    const key = issuer.token({ sub: "dr.khan", scope: "openid appointments" });
    issuer.setDown(true);
    const away = await call(page, "GET", "/appointments", { key });
    assert.deepEqual([away.status, away.body.code], [503, "token_issuer_unreachable"]);
    assert.ok(Number(away.headers["retry-after"]) > 0);

    issuer.setDown(false);
    const wanted = booking();
    let booked;
    do booked = await call(page, "POST", "/appointments", { key, body: wanted });
    while (booked.status === 503);
    assert.deepEqual([booked.status, booked.body.source], [201, "dr.khan"]);

    const expired = issuer.token({ sub: "dr.khan", scope: "appointments", exp: 1_600_000_000 });
    const refused = await call(page, "GET", "/appointments", { key: expired });
    assert.deepEqual([refused.status, refused.body.code], [401, "unauthorized"]);
  }));
