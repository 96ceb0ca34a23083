// What a frontend meets: the whole system as `make run` starts it, called by pages in Chromium.

import { after, before } from "node:test";

import * as scene from "./scene.js";

before(scene.set);
after(scene.clear);

await import("./example.js");
await import("./answers.js");
await import("./strangers.js");
await import("./tokens.js");
await import("./typed.js");
