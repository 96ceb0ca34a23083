// The Chromium, or Chrome, of this machine. None is downloaded.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Starts it without a window; hosts under `.test` are this machine. */
export function startChromium() {
  const onPath = process.env.PATH.split(delimiter).map((folder) => join(folder, "chromium"));
  const executablePath = onPath.find(existsSync);
  return chromium.launch({
    ...(executablePath ? { executablePath } : { channel: "chrome" }),
    // Root has no sandbox.
    chromiumSandbox: process.getuid() !== 0,
    args: ["--host-resolver-rules=MAP *.test 127.0.0.1"],
  });
}
