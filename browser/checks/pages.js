// A web server for the example's files, as any static host is one.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const FOLDER = new URL("../../examples/frontend/", import.meta.url);
const TYPES = { ".html": "text/html", ".js": "text/javascript" };

/** Serves the files on a free port. */
export async function servePages() {
  const server = createServer(async (request, response) => {
    const name = request.url === "/" ? "index.html" : request.url.slice(1);
    try {
      const file = await readFile(new URL(name, FOLDER));
      response.writeHead(200, { "Content-Type": TYPES[extname(name)] }).end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: server.address().port,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
