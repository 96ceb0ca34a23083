// An issuer of tokens, as far as the API sees one.

import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** Starts one with a single key. */
export async function startIssuer() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256", use: "sig" };
  let url;
  let isDown = false;
  const server = createServer((request, response) => {
    const documents = {
      "/.well-known/openid-configuration": { issuer: url, jwks_uri: `${url}/keys` },
      "/keys": { keys: [jwk] },
    };
    const status = isDown ? 503 : 200;
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(documents[request.url]));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    setDown(down) {
      isDown = down;
    },
    /** A token with these claims beside the usual ones. */
    token(claims) {
      const usual = { iss: url, aud: "https://api.example.com", exp: Math.floor(Date.now() / 1000) + 600 };
      const parts = [{ alg: "ES256", kid: "1" }, { ...usual, ...claims }];
      const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
