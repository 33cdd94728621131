/** Tests in addition to those in a folder of the same name, if the folder's effect shows only in others. */
const besides = {
  src: ["wiring", "testing"],
  "src/commands": ["recording", "verification"],
  "src/config": ["fields", "wiring"],
  "src/daemon": ["wiring"],
  "src/fields": ["config"],
  "src/text": ["commands", "http"],
};

/** Which tests the mutants of a folder run against: globs, less those of `notInProcess`. */
export function testsOf(folder) {
  const own = folder === "src" ? [] : [folder.replace("src/", "")];
  return [...own, ...(besides[folder] ?? [])].map((name) => `test/${name}/**/*.test.ts`);
}
