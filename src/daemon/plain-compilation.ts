import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8 from optimizing what runs often, from now on: it is a compiler of its own, whose code and memory take 5 MiB. For programs
 * that leave the work to Node and the kernel.
 */
export function compilePlainly(): void {
  setFlagsFromString("--max-optimized-bytecode-size=0");
}
