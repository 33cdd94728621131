import { expect, test } from "vitest";
import { whoHasAccess } from "../../src/config/access.js";
import { parseConfig } from "../../src/config/load.js";

async function access(fields: object, umask: number): Promise<string[]> {
  const base = {
    networkMagic: 1,
    network: { tag: "AcceptAt", contents: "/run/m.sock" },
    logging: [{ logRoot: "/logs", logMode: "FileMode", logFormat: "ForMachine" }],
  };
  return whoHasAccess((await parseConfig(JSON.stringify({ ...base, ...fields }), "f")).config, umask);
}

test("the umask decides who has access, but others never write", async () => {
  expect(await access({}, 0o022)).toEqual([
    "nodes: the owner of /run/m.sock may connect (mode 0750 by the umask 0022; muninn.socketMode sets it)",
    "log files: the owner, the group and others may read (mode 0644 by the umask 0022, directories 0755; muninn.files sets them)",
  ]);
  expect(await access({}, 0)).toEqual([
    "nodes: the owner and the group of /run/m.sock may connect (mode 0770 by the umask 0000; muninn.socketMode sets it)",
    "log files: the owner, the group and others may read (mode 0644 by the umask 0000, directories 0755; muninn.files sets them)",
  ]);
});

test("configured modes are reported, and nobody reads a file in a directory that nobody may enter", async () => {
  const muninn = { socketMode: "0666", files: { mode: "0644", dirMode: "0700" } };
  expect(await access({ muninn }, 0o022)).toEqual([
    "nodes: the owner, the group and others of /run/m.sock may connect (mode 0666; muninn.socketMode sets it)",
    "log files: the owner may read (mode 0644, directories 0700; muninn.files sets them)",
  ]);
});

test("over TCP the report says who can reach the port and what they must show", async () => {
  const fields = {
    network: { tag: "AcceptAt", contents: "0.0.0.0:3001" },
    hasPrometheus: { epHost: "127.0.0.1", epPort: 3000 },
    hasEKG: { epHost: "*", epPort: 3100 },
    logging: [{ logRoot: "", logMode: "JournalMode", logFormat: "ForMachine" }],
    muninn: { auth: { ekg: { bearerToken: "a" } } },
  };
  expect(await access(fields, 0o022)).toEqual([
    "nodes: anyone who reaches 0.0.0.0:3001 may connect",
    "hasPrometheus: anyone on this machine (127.0.0.1:3000) may read",
    "hasEKG: anyone who reaches 0.0.0.0:3100 may read, and shows what muninn.auth.ekg asks for",
  ]);
  expect(
    await access({ ...fields, network: { tag: "ConnectTo", contents: ["/a"] }, hasEKG: null }, 0),
  ).toEqual(["hasPrometheus: anyone on this machine (127.0.0.1:3000) may read"]);
});
