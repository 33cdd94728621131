#!/usr/bin/env node
// Before anything else, because the size of libuv's thread pool is read at its first use. Each file that hangs holds a thread;
// a larger pool keeps the others going (see docs/decisions.md).
process.env.UV_THREADPOOL_SIZE ??= "32";
void import("./main.js").then(({ main }) => main());
