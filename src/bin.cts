#!/usr/bin/env node
// CommonJS on purpose: Node's loader of ES modules already uses libuv's thread pool, and the pool's size is read
// at its first use. Files that hang each hold a thread; a larger pool keeps the others going (see docs/decisions.md).
process.env.UV_THREADPOOL_SIZE ??= "32";
import("./main.js");
