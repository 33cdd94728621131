/** Arguments of a command line, without those for GHC's runtime. */
export interface SplitArguments {
  readonly args: readonly string[];
  /** Options of GHC's runtime, without `+RTS` and `-RTS`. */
  readonly runtimeOptions: readonly string[];
}

/**
 * Removes what a program built by GHC passes to its runtime: everything from `+RTS` to `-RTS` or the end. After `--RTS`,
 * which is removed as well, and after `--`, which stays, everything belongs to the program
 * (https://downloads.haskell.org/ghc/latest/docs/users_guide/runtime_control.html).
 */
export function splitRuntimeOptions(given: readonly string[]): SplitArguments {
  const args: string[] = [];
  const runtimeOptions: string[] = [];
  let into = args;
  for (const [index, arg] of given.entries()) {
    if (arg === "--RTS" || arg === "--") {
      args.push(...given.slice(arg === "--" ? index : index + 1));
      break;
    }
    if (arg === "+RTS") into = runtimeOptions;
    else if (arg === "-RTS") into = args;
    else into.push(arg);
  }
  return { args, runtimeOptions };
}

/** The log message about runtime options that were given to Muninn. */
export function runtimeOptionsNote(runtimeOptions: readonly string[]): string {
  const ignored = `GHC runtime options are ignored: ${runtimeOptions.join(" ")}`;
  if (!runtimeOptions.some((option) => /^-M\d/.test(option))) return ignored;
  return `${ignored}. Instead of -M, set NODE_OPTIONS=--max-old-space-size=MEBIBYTES in the environment to limit the heap`;
}
