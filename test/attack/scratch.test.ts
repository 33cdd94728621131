import { test } from "vitest";
import { connections } from "./kinds/connections.js";
import { underAttack } from "./under-attack.js";
test("x", { timeout: 600_000 }, async () => {
  const attack = connections.find(({ name }) => name === process.env.ATTACK)!;
  const f = await underAttack({ ...attack, under: ["sh", "-c", 'n="$1"; shift; exec "$n" --cpu-prof --cpu-prof-dir=/tmp/prof "$@"', "sh"] }, "whole");
  console.log(f.blockCpuMs, f.blockMs, f.peakMiB, f.healthyShare, f.exit);
});
