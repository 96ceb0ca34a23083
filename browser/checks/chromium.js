// The Chromium, or Chrome, of this machine. None is downloaded.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Starts it without a window; hosts under `.test` are this machine. */
export function startChromium() {
  const executablePath = onPath("chromium");
  return chromium.launch({
    ...(executablePath ? { executablePath } : { channel: "chrome" }),
    // Root has no sandbox.
    chromiumSandbox: process.getuid() !== 0,
    args: ["--host-resolver-rules=MAP *.test 127.0.0.1"],
  });
}

function onPath(name) {
  return process.env.PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
