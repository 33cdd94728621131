import { execFile } from "node:child_process";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Muninn itself. */
export const packageRoot = fileURLToPath(new URL("..", import.meta.url));

/** Makes a user's package, with Muninn and other libraries among its dependencies; returns its directory. */
export async function makeUserPackage(...libraries: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "muninn-"));
  await mkdir(join(directory, "node_modules"));
  await writeFile(join(directory, "package.json"), '{"type":"module"}');
  await symlink(packageRoot, join(directory, "node_modules/muninn"));
  for (const library of libraries)
    await symlink(join(packageRoot, "node_modules", library), join(directory, "node_modules", library));
  return directory;
}

/** Compiles a program of such a package, strictly. @throws with what the compiler says */
export async function compile(file: string, ...flags: readonly string[]): Promise<void> {
  const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
  const language = [
    "--target",
    "es2022",
    "--lib",
    "es2022,esnext.disposable",
    "--module",
    "nodenext",
    "--strict",
  ];
  const types = ["--typeRoots", join(packageRoot, "node_modules/@types"), "--types", "node"];
  await promisify(execFile)(process.execPath, [compiler, ...flags, ...language, ...types, file], {
    cwd: dirname(file),
  });
}
