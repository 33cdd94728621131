/** Arguments of a command line, those for GHC's runtime taken out. */
export interface SplitArguments {
  readonly args: readonly string[];
  /** Options of GHC's runtime, without `+RTS` and `-RTS`. */
  readonly runtimeOptions: readonly string[];
}

/**
 * Takes out what a program made by GHC leaves to its runtime: all between `+RTS` and `-RTS`, or the end. After `--RTS`,
 * which goes itself, and after `--`, which stays, everything is the program's
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

/** What an operator should know about runtime options that were given to Muninn. */
export function runtimeOptionsNote(runtimeOptions: readonly string[]): string {
  const ignored = `options of GHC's runtime are ignored: ${runtimeOptions.join(" ")}`;
  if (!runtimeOptions.some((option) => /^-M\d/.test(option))) return ignored;
  return `${ignored}. In place of -M, set NODE_OPTIONS=--max-old-space-size=MEBIBYTES in the environment to limit the heap`;
}
