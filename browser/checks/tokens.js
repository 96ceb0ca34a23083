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
    // Each instance of the function fetches the issuer's keys for itself, and not at once after it has failed.
    const answered = async (...request) => {
      let answer;
      do answer = await call(page, ...request);
      while (answer.status === 503);
      return answer;
    };
    const booked = await answered("POST", "/appointments", { key, body: booking() });
    assert.deepEqual([booked.status, booked.body.source], [201, "dr.khan"]);

    const expired = issuer.token({ sub: "dr.khan", scope: "appointments", exp: 1_600_000_000 });
    const refused = await answered("GET", "/appointments", { key: expired });
    assert.deepEqual([refused.status, refused.body.code], [401, "unauthorized"]);
  }));
