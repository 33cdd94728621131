import { expect, test } from "vitest";
import { stringify } from "yaml";
import { fieldNames } from "../../src/config/field-names.js";
import { parseConfig } from "../../src/config/load.js";
import { base, errorsOf, warningsOf } from "./configurations.js";

const wholeNumber = (least: number, most: number) => `must be a whole number from ${least} to ${most}`;
const time = "must be a number of seconds or a time such as 500ms, 30s, 2m or 1h";
const size = "must be a number of bytes or a size such as 16MiB";
const sections = "logging: [{logRoot: /logs, logMode: FileMode, logFormat: ForMachine}]";

test.each([
  ["networkMagic: -1", `f:1:15: networkMagic: is the number -1; ${wholeNumber(0, 4294967295)}`],
  [
    "networkMagic: 4294967296",
    `f:1:15: networkMagic: is the number 4294967296; ${wholeNumber(0, 4294967295)}`,
  ],
  ["networkMagic: 1.5", `f:1:15: networkMagic: is the number 1.5; ${wholeNumber(0, 4294967295)}`],
  ['networkMagic: "1"', `f:1:15: networkMagic: is "1"; ${wholeNumber(0, 4294967295)}`],
  ["networkMagic:", `f:1:1: networkMagic: is empty; ${wholeNumber(0, 4294967295)}`],
  ["{}", `f:1:1: networkMagic: is missing; ${wholeNumber(0, 4294967295)}`],
])("%s is not a valid network magic", async (magic, error) => {
  const rest = base.split("\n").slice(1).join("\n");
  const text = magic === "{}" ? rest : `${magic}\n${rest}`;
  expect(await errorsOf(text)).toEqual([error]);
});

const address = "must be host:port or the name of a socket file";

test.each([
  [
    "",
    "f:1:1: network: is missing; must be {tag: AcceptAt, contents: ADDRESS} or {tag: ConnectTo, contents: [ADDRESS, …]}",
  ],
  [
    "network: /sock",
    'f:2:10: network: is "/sock"; must be {tag: AcceptAt, contents: ADDRESS} or {tag: ConnectTo, contents: [ADDRESS, …]}',
  ],
  ["network: {contents: /a}", "f:2:10: network.tag: is missing; must be AcceptAt or ConnectTo"],
  [
    "network: {tag: Accept, contents: /a}",
    'f:2:16: network.tag: is "Accept"; must be AcceptAt or ConnectTo; did you mean AcceptAt?',
  ],
  ["network: {tag: AcceptAt}", `f:2:10: network.contents: is missing; ${address}`],
  ["network: {tag: AcceptAt, contents: [/a]}", `f:2:36: network.contents: is a list; ${address}`],
  [
    'network: {tag: AcceptAt, contents: ""}',
    /^f:2:36: network\.contents: is ""; must be host:port or the name of a socket file: /,
  ],
  ['network: {tag: AcceptAt, contents: ":3001"}', /^f:2:36: network\.contents: is ":3001"; .*has no host/],
  ['network: {tag: AcceptAt, contents: "h:65536"}', /^f:2:36: network\.contents: is "h:65536"; .*65535/],
  [
    "network: {tag: ConnectTo, contents: /a}",
    'f:2:37: network.contents: is "/a"; must be a list of addresses',
  ],
  [
    "network: {tag: ConnectTo, contents: []}",
    "f:2:37: network.contents: is an empty list; must have at least one address",
  ],
  [
    "network: {tag: ConnectTo, contents: [/a, 3]}",
    `f:2:42: network.contents[1]: is the number 3; ${address}`,
  ],
])("%s is not a valid network", async (network, error) => {
  const errors = await errorsOf(
    ["networkMagic: 1", network, sections].filter((line) => line !== "").join("\n"),
  );
  expect(errors).toEqual([typeof error === "string" ? error : expect.stringMatching(error)]);
});

test.each([
  ["", "f:1:1: logging: is missing; must be a list of sections"],
  ["logging: {logRoot: /a}", "f:3:10: logging: is a mapping; must be a list of sections"],
  ["logging: []", "f:3:10: logging: is an empty list; must have at least one section"],
  ["logging: [x]", 'f:3:11: logging[0]: is "x"; must be a mapping of logRoot, logMode, logFormat'],
  [
    "logging: [{logRoot: /a, logFormat: ForHuman}]",
    "f:3:11: logging[0].logMode: is missing; must be FileMode or JournalMode",
  ],
  [
    "logging: [{logRoot: /a, logMode: File, logFormat: ForHuman}]",
    'f:3:34: logging[0].logMode: is "File"; must be FileMode or JournalMode',
  ],
  [
    "logging: [{logRoot: '', logMode: FileMode, logFormat: ForHuman}]",
    'f:3:21: logging[0].logRoot: is ""; must be the name of a directory',
  ],
  [
    "logging: [{logMode: FileMode, logFormat: ForHuman}]",
    "f:3:11: logging[0].logRoot: is missing; must be the name of a directory",
  ],
  [
    "logging: [{logRoot: /a, logMode: FileMode, logFormat: ForHumans}]",
    'f:3:55: logging[0].logFormat: is "ForHumans"; must be ForMachine or ForHuman; did you mean ForHuman?',
  ],
])("%s is not a valid logging list", async (logging, error) => {
  const text = ["networkMagic: 1", "network: {tag: AcceptAt, contents: /a}", logging].filter(
    (line) => line !== "",
  );
  expect(await errorsOf(text.join("\n"))).toEqual([error]);
});

const forms = "must be octal permission bits such as";

test.each([
  ["loRequestNum: 0", `f:4:15: loRequestNum: is the number 0; ${wholeNumber(1, 65535)}`],
  ["loRequestNum: 65536", `f:4:15: loRequestNum: is the number 65536; ${wholeNumber(1, 65535)}`],
  ["ekgRequestFreq: 0", "f:4:17: ekgRequestFreq: is the number 0; must be a number of seconds above 0"],
  ["ekgRequestFreq: -0.5", "f:4:17: ekgRequestFreq: is the number -0.5; must be a number of seconds above 0"],
  [
    "ekgRequestFreq: .inf",
    "f:4:17: ekgRequestFreq: is the number Infinity; must be a number of seconds above 0",
  ],
  [
    "muninn: {registry: {idleTimeout: .inf}}",
    "f:4:34: muninn.registry.idleTimeout: is the number Infinity; must be a number of seconds or a time such as 500ms, 30s, 2m or 1h; 0 keeps files open",
  ],
  ["ekgRequestFull: maybe", 'f:4:17: ekgRequestFull: is "maybe"; must be true or false'],
  ["ekgRequestFull: 1", "f:4:17: ekgRequestFull: is the number 1; must be true or false"],
  ["hasEKG: []", "f:4:9: hasEKG: is an empty list; must be a mapping of epHost, epPort, epForceSSL"],
  ["hasEKG: [{epHost: a, epPort: x}]", `f:4:30: hasEKG[0].epPort: is "x"; ${wholeNumber(0, 65535)}`],
  [
    "hasEKG: {epHost: '', epPort: 1}",
    'f:4:18: hasEKG.epHost: is ""; must be a host name or an address of this machine',
  ],
  [
    "hasPrometheus: {epPort: 1}",
    "f:4:16: hasPrometheus.epHost: is missing; must be a host name or an address of this machine",
  ],
  [
    "hasTimeseries: {epHost: a, epPort: 65536}",
    `f:4:36: hasTimeseries.epPort: is the number 65536; ${wholeNumber(0, 65535)}`,
  ],
  [
    "hasPrometheus: {epHost: a, epPort: 1, epForceSSL: true}",
    "f:4:51: hasPrometheus.epForceSSL: is true; that needs tlsCertificate",
  ],
  [
    "tlsCertificate: {certificateFile: a}",
    "f:4:17: tlsCertificate.certificateKeyFile: is missing; must be the name of a file",
  ],
  [
    "tlsCertificate: {certificateFile: a, certificateKeyFile: b, certificateChain: c}",
    'f:4:79: tlsCertificate.certificateChain: is "c"; must be a list of file names',
  ],
  [
    "hasForwarding: {}",
    "f:4:16: hasForwarding: is a mapping; must be a list of network, namespaces (or null) and options",
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null]",
    "f:4:16: hasForwarding: is a list; must be a list of network, namespaces (or null) and options",
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, [A], {}]",
    'f:4:49: hasForwarding[1][0]: is "A"; must be a list of the parts of a namespace',
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {queueSize: -1}]",
    `f:4:66: hasForwarding[2].queueSize: is the number -1; ${wholeNumber(0, 4294967295)}`,
  ],
  [
    "rotation: 5",
    "f:4:11: rotation: is the number 5; must be a mapping of rpFrequencySecs, rpLogLimitBytes, rpMaxAgeMinutes, rpMaxAgeHours, rpKeepFilesNum",
  ],
  [
    "rotation: {rpKeepFilesNum: 1}",
    `f:4:11: rotation.rpLogLimitBytes: is missing; ${wholeNumber(1, Number.MAX_SAFE_INTEGER)}`,
  ],
  [
    "rotation: {rpLogLimitBytes: 1}",
    `f:4:11: rotation.rpKeepFilesNum: is missing; ${wholeNumber(0, 4294967295)}`,
  ],
  [
    "rotation: {rpLogLimitBytes: 0, rpKeepFilesNum: 1}",
    `f:4:29: rotation.rpLogLimitBytes: is the number 0; ${wholeNumber(1, Number.MAX_SAFE_INTEGER)}`,
  ],
  [
    "rotation: {rpLogLimitBytes: 1, rpKeepFilesNum: 1, rpFrequencySecs: 0}",
    `f:4:68: rotation.rpFrequencySecs: is the number 0; ${wholeNumber(1, 4294967295)}`,
  ],
  [
    "verbosity: Minimun",
    'f:4:12: verbosity: is "Minimun"; must be Minimum, ErrorsOnly or Maximum; did you mean Minimum?',
  ],
  [
    "verbosity: minimum",
    'f:4:12: verbosity: is "minimum"; must be Minimum, ErrorsOnly or Maximum; did you mean Minimum?',
  ],
  ["metricsNoSuffix: nope", 'f:4:18: metricsNoSuffix: is "nope"; must be true or false'],
  [
    "metricsHelp: 3",
    "f:4:14: metricsHelp: is the number 3; must be the name of a file or a mapping of metric name to help text",
  ],
  [
    "metricsHelp: {a: 1}",
    "f:4:18: metricsHelp.a: is the number 1; must be a string; write numbers in quotes",
  ],
  [
    "prometheusLabels: {zone: 1}",
    "f:4:26: prometheusLabels.zone: is the number 1; must be a string; write numbers in quotes",
  ],
  [
    "prometheusLabels: {data-center: north}",
    "f:4:33: prometheusLabels.data-center: is not a label name: it must consist of letters, digits and _, and not begin with a digit; Prometheus would drop all targets",
  ],
  [
    'prometheusLabels: {"": north}',
    "f:4:24: prometheusLabels.: is not a label name: it must consist of letters, digits and _, and not begin with a digit; Prometheus would drop all targets",
  ],
  ["resourceFreq: 0", `f:4:15: resourceFreq: is the number 0; ${wholeNumber(1, Number.MAX_SAFE_INTEGER)}`],
  [
    "muninn: []",
    "f:4:9: muninn: is an empty list; must be a mapping of fields such as registry, durability, humanLayout",
  ],
  [
    "muninn: {registry: {maxOpenFiles: 0}}",
    `f:4:35: muninn.registry.maxOpenFiles: is the number 0; ${wholeNumber(1, 1_000_000)}`,
  ],
  [
    "muninn: {registry: {idleTimeout: -1}}",
    `f:4:34: muninn.registry.idleTimeout: is the number -1; ${time}; 0 keeps files open`,
  ],
  [
    "muninn: {durability: disc}",
    'f:4:22: muninn.durability: is "disc"; must be os or disk; did you mean disk?',
  ],
  ["muninn: {humanLayout: plain}", 'f:4:23: muninn.humanLayout: is "plain"; must be console or text'],
  [
    "muninn: {files: {mode: 0640}}",
    `f:4:24: muninn.files.mode: is the number 640; ${forms} "0640" (in quotes) or 0o640, which include 0600, what Muninn itself needs`,
  ],
  [
    'muninn: {files: {mode: "0444"}}',
    `f:4:24: muninn.files.mode: is "0444"; ${forms} "0640" (in quotes) or 0o640, which include 0600, what Muninn itself needs`,
  ],
  [
    'muninn: {files: {mode: "0648"}}',
    `f:4:24: muninn.files.mode: is "0648"; ${forms} "0640" (in quotes) or 0o640, which include 0600, what Muninn itself needs`,
  ],
  [
    'muninn: {files: {dirMode: "0640"}}',
    `f:4:27: muninn.files.dirMode: is "0640"; ${forms} "0750" (in quotes) or 0o750, which include 0700, what Muninn itself needs`,
  ],
  [
    "muninn: {socketMode: rw}",
    `f:4:22: muninn.socketMode: is "rw"; ${forms} "0660" (in quotes) or 0o660, which include 0600, what Muninn itself needs`,
  ],
  [
    "muninn: {maxConnections: 0}",
    `f:4:26: muninn.maxConnections: is the number 0; ${wholeNumber(1, 1_000_000)}`,
  ],
  [
    'muninn: {links: [{listen: "ws://a:1/", access: anyone, trustedProxies: [10.0.0.0/33]}]}',
    'f:4:73: muninn.links[0].trustedProxies[0]: is "10.0.0.0/33"; must be an IP address or a network such as 10.0.0.0/8: there are at most 32 bits',
  ],
  [
    'muninn: {links: [{listen: "ws://a:1/", access: anyone, trustedProxies: [proxy]}]}',
    'f:4:73: muninn.links[0].trustedProxies[0]: is "proxy"; must be an IP address or a network such as 10.0.0.0/8: "proxy" is no IP address',
  ],
  [
    "muninn: {links: [{listen: tcp://a:1, trustedProxies: [10.0.0.0/8]}]}",
    "f:4:54: muninn.links[0].trustedProxies: is for ws: and wss: only",
  ],
  [
    "muninn: {links: [{connect: tcp://a:1, trustedProxies: [10.0.0.0/8]}]}",
    "f:4:55: muninn.links[0].trustedProxies: is for links that listen",
  ],
  ["muninn: {maxObjectBytes: 16MB}", `f:4:26: muninn.maxObjectBytes: is "16MB"; ${size}, from 1KiB to 1GiB`],
  [
    "muninn: {maxAnswerBytes: 1000}",
    `f:4:26: muninn.maxAnswerBytes: is the number 1000; ${size}, from 1KiB to 1GiB`,
  ],
  [
    "muninn: {requestsAhead: 1025}",
    `f:4:25: muninn.requestsAhead: is the number 1025; ${wholeNumber(1, 1024)}`,
  ],
  [
    "muninn: {maxInFlightBytes: 1KiB}",
    `f:4:28: muninn.maxInFlightBytes: is "1KiB"; ${size}, from 1MiB to 1024GiB`,
  ],
  ["muninn: {handshakeTimeout: 0}", `f:4:28: muninn.handshakeTimeout: is the number 0; ${time}, above 0`],
  ["muninn: {nameTimeout: 10 seconds}", `f:4:23: muninn.nameTimeout: is "10 seconds"; ${time}, above 0`],
  ["muninn: {nameTimeout: true}", `f:4:23: muninn.nameTimeout: is true; ${time}, above 0`],
  [
    "muninn: {reconnect: {initial: 1m, max: 45s}}",
    "f:4:31: muninn.reconnect.initial: is longer than muninn.reconnect.max; must not be",
  ],
  [
    "muninn: {health: {port: 1}}",
    "f:4:18: muninn.health.host: is missing; must be a host name or an address of this machine",
  ],
  ["muninn: {auth: {ekg: {}}}", "f:4:22: muninn.auth.ekg: must have either bearerToken or basic"],
  [
    "muninn: {auth: {ekg: {basic: {user: 'a:b', password: c}}}}",
    "f:4:37: muninn.auth.ekg.basic.user: must be a user name without a colon",
  ],
])("%s is refused at its place", async (field, error) => {
  expect(await errorsOf(`${base}${field}`)).toEqual([error]);
});

test.each([
  ["ekg", "{bearerToken: 'hunter 2'}"],
  ["ekg", "{bearerToken: 4321}"],
  ["prometheus", "{bearerToken: hunter2, basic: {user: a, password: hunter2}}"],
  ["health", "{basic: {user: a, password: [hunter2]}}"],
])("an error in the secret of %s (%s) is reported without the secret", async (endpoint, secret) => {
  const errors = await errorsOf(`${base}muninn: {auth: {${endpoint}: ${secret}}}`);
  expect(errors).toHaveLength(1);
  expect(errors.join()).not.toMatch(/hunter|4321/);
});

test.each([
  "auth: {ekg: {hunter2: x}}",
  "auth: {hunter2: {bearerToken: a}}",
  "auth: {ekg: {bearerToken hunter2: x}}",
  "auth: {ekg: {bearerToken: {hunter2: x}}}",
  "auth: {ekg: {basic: {hunter2: x}}}",
  "auth: hunter2",
  "auth: {ekg: hunter2}",
  "auth: {ekg: {basic: hunter2}}",
  "auth: {ekg: {bearerToken: *hunter2}}",
  "auth: {ekg: {bearerToken: !hunter2 }}",
  "auth: {ekg: {bearerToken: [hunter2 }}",
  "auth: {ekg: {bearerToken: |hunter2}}",
  "auth: {ekg: {hunter2: 1, hunter2: 2}}",
  "auth: {ekg: {[hunter2]: 1}}",
])("%s is refused without quoting the secret", async (field) => {
  const errors = await errorsOf(`${base}muninn: {${field}}`);
  expect(errors).not.toEqual([]);
  expect(errors.join()).not.toContain("hunter2");
});

test("an unknown key among secrets is reported with the allowed names", async () => {
  expect(
    await errorsOf(
      `${base}hasEKG: {epHost: a, epPort: 1}\nmuninn: {auth: {ekg: {bearerToken: a, hunter2: b}}}`,
    ),
  ).toEqual(["f:5:39: muninn.auth.ekg: has a key that is unknown; must be bearerToken or basic"]);
});

test("each of 50,000 unknown keys is reported, and the first hundred with suggestions", async () => {
  const keys = Array.from(
    { length: 50_000 },
    (_, index) => `logging${index.toString(36).padStart(2, "0")}: 1`,
  );
  const warnings = await warningsOf(`${base}${keys.join("\n")}`);
  expect(warnings).toHaveLength(50_000);
  expect(warnings[99]).toBe("f:103:1: logging2r: is unknown and ignored; did you mean logging?");
  expect(warnings[100]).toBe("f:104:1: logging2s: is unknown and ignored");
});

test("an error of ten thousand mistakes quotes the first hundred in its text, and keeps all of them as facts", async () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `mistake${index}: 1`);
  const error = await parseConfig(`${base}muninn: {${keys.join(", ")}}`, "f").catch((thrown) => thrown);
  expect(error.problems).toHaveLength(10_000);
  const lines = error.message.split("\n");
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe("f: 9900 more; `muninn check -c f` lists all");
});

test("all mistakes in a section are reported at once", async () => {
  const text =
    "networkMagic: 1\nnetwork: {tag: AcceptAt, contents: /a}\nlogging: [{logRoot: '', logMode: FileMode, logFormat: Human}, {logMode: File, logFormat: 1}]";
  expect(await errorsOf(text)).toEqual([
    'f:3:21: logging[0].logRoot: is ""; must be the name of a directory',
    'f:3:55: logging[0].logFormat: is "Human"; must be ForMachine or ForHuman',
    "f:3:63: logging[1].logRoot: is missing; must be the name of a directory",
    'f:3:73: logging[1].logMode: is "File"; must be FileMode or JournalMode',
    "f:3:90: logging[1].logFormat: is the number 1; must be ForMachine or ForHuman",
  ]);
});

test("every optional field may be null, as in files that Nix generates", async () => {
  const absent = fieldNames().filter(
    (name) => !/[.[]/.test(name) && !["networkMagic", "network", "logging"].includes(name),
  );
  const nulls = ["hasRTView", "metricsComp", ...absent].map((name) => `${name}: null`);
  expect(absent.length).toBeGreaterThan(10);
  const rotation =
    "rotation: {rpLogLimitBytes: 1, rpKeepFilesNum: 1, rpFrequencySecs: null, rpMaxAgeHours: null, rpMaxAgeMinutes: null}";
  for (const text of [nulls.join("\n"), rotation, "hasEKG: {epHost: a, epPort: 1, epForceSSL: null}"]) {
    expect(await errorsOf(base + text)).toEqual([]);
    expect(await warningsOf(base + text)).toEqual([]);
  }
  expect((await parseConfig(base + nulls.join("\n"), "f")).config).toEqual(
    (await parseConfig(base, "f")).config,
  );
});

const prometheus = "hasPrometheus: {epHost: 127.0.0.1, epPort: 3000}\n";

test.each([
  [
    "hasEKG: {epHost: 127.0.0.1, epPort: 3000}",
    "f:5:37: hasEKG.epPort: is 3000, which hasPrometheus uses already; must be a port of its own",
  ],
  [
    "hasEKG: {epHost: 127.0.0.2, epPort: 3000}",
    "f:5:37: hasEKG.epPort: is 3000, which hasPrometheus uses already; must be a port of its own",
  ],
  [
    "hasTimeseries: {epHost: a, epPort: 3000}",
    "f:5:36: hasTimeseries.epPort: is 3000, which hasPrometheus uses already; must be a port of its own",
  ],
  [
    "muninn: {health: {host: a, port: 3000}}",
    "f:5:34: muninn.health.port: is 3000, which hasPrometheus uses already; must be a port of its own",
  ],
])("%s clashes with the port of hasPrometheus", async (field, error) => {
  expect(await errorsOf(`${base}${prometheus}${field}`)).toEqual([error]);
});

test.each([
  ["127.0.0.1:3000", true],
  ["0.0.0.0:3000", true],
  ["[::]:3000", true],
  ["127.0.0.2:3000", false],
  ["127.0.0.1:3001", false],
])("AcceptAt %s clashes with an endpoint at 127.0.0.1:3000: %s", async (contents, clashes) => {
  const text = `networkMagic: 1\nnetwork: {tag: AcceptAt, contents: "${contents}"}\n${sections}\n${prometheus}`;
  const error =
    "f:2:36: network.contents: is at port 3000, which hasPrometheus uses already; must be a port of its own";
  expect(await errorsOf(text)).toEqual(clashes ? [error] : []);
});

const accepting = (contents: string, rest: string) =>
  `networkMagic: 1\nnetwork: {tag: AcceptAt, contents: "${contents}"}\n${sections}\n${rest}`;

test.each<[string, string, string[]]>([
  [
    "/run/a.sock",
    "hasForwarding: [{tag: AcceptAt, contents: /run/../run/a.sock}, null, {}]",
    [
      "f:4:43: hasForwarding[0].contents: is /run/../run/a.sock, where network listens already; must be a different address",
    ],
  ],
  ["/run/a.sock", "hasForwarding: [{tag: AcceptAt, contents: /run/b.sock}, null, {}]", []],
  ["/run/a.sock", "hasForwarding: [{tag: ConnectTo, contents: [/run/a.sock]}, null, {}]", []],
  [
    "127.0.0.1:3001",
    'hasForwarding: [{tag: AcceptAt, contents: "0.0.0.0:3001"}, null, {}]',
    [expect.stringContaining("hasForwarding[0].contents: is 0.0.0.0:3001, where network listens already")],
  ],
  ["127.0.0.1:3001", 'hasForwarding: [{tag: AcceptAt, contents: "127.0.0.2:3001"}, null, {}]', []],
  ["127.0.0.1:0", 'hasForwarding: [{tag: AcceptAt, contents: "127.0.0.1:0"}, null, {}]', []],
  [
    "/run/a.sock",
    'muninn: {links: [{listen: "unix:///run/b.sock"}, {listen: "unix:///run/a.sock"}]}',
    [expect.stringContaining("muninn.links[1].listen: is /run/a.sock, where network listens already")],
  ],
  [
    "/run/a.sock",
    `hasForwarding: [{tag: AcceptAt, contents: "127.0.0.1:3000"}, null, {}]\n${prometheus}`,
    [expect.stringContaining("hasForwarding[0].contents: is at port 3000, which hasPrometheus uses already")],
  ],
])("AcceptAt %s and %s clash over the part they have in common", async (contents, rest, errors) => {
  expect(await errorsOf(accepting(contents, rest))).toEqual(errors);
});

test.each([
  ["{kind: otlp, url: http://a}, {kind: otlp, url: http://a}", "otlp:http://a"],
  ["{kind: otlp, url: http://a, name: x}, {kind: otlp, url: http://b, name: x}", "otlp:x"],
  ["{kind: nats, servers: [nats://a], stream: T}, {kind: nats, servers: [nats://b], stream: T}", "nats:T"],
  ["{kind: otlp, url: http://a, name: T}, {kind: nats, servers: [nats://b], stream: T}", undefined],
])("sinks %s share the name %s", async (sinks, name) => {
  const message = `muninn.sinks[1]: is called ${name}, as muninn.sinks[0] is; must have a name of its own`;
  const errors = await errorsOf(`${base}muninn: {sinks: [${sinks}]}`);
  expect(errors).toEqual(name === undefined ? [] : [expect.stringContaining(message)]);
});

test("every HTTP port of a configuration clashes with the same port of hasPrometheus", async () => {
  const hasPorts = fieldNames().filter(
    (name) => /\.(ep)?[pP]ort$/.test(name) && name !== "hasPrometheus.epPort",
  );
  expect(hasPorts.length).toBeGreaterThan(2);
  for (const name of hasPorts) {
    const around = name.split(".").slice(0, -1);
    const isOurs = around[0] === "muninn";
    const listener = isOurs ? { host: "127.0.0.1", port: 3000 } : { epHost: "127.0.0.1", epPort: 3000 };
    const fields = around.reduceRight<object>((inside, key) => ({ [key]: inside }), listener);
    expect(await errorsOf(`${base}${prometheus}${stringify(fields)}`)).toEqual([
      expect.stringContaining(`${name}: is 3000, which hasPrometheus uses already`),
    ]);
  }
});

test("port 0 means any free port and never clashes", async () => {
  expect(
    await errorsOf(`${base}hasPrometheus: {epHost: a, epPort: 0}\nhasEKG: {epHost: a, epPort: 0}`),
  ).toEqual([]);
});

test("all errors, those between fields and of unknown fields included, are reported at once, in the order of the file", async () => {
  const text = `${base}loRequestNum: 0
hasEKG: {epHost: a, epPort: 1}
hasPrometheus: {epHost: a, epPort: 1}
muninn:
  durabilty: disk
  registry: {maxOpenFiles: many}
`;
  expect((await errorsOf(text)).map((error) => error.split(": ").slice(0, 2).join(" "))).toEqual([
    "f:4:15 loRequestNum",
    "f:5:29 hasEKG.epPort",
    "f:8:3 muninn.durabilty",
    "f:9:28 muninn.registry.maxOpenFiles",
  ]);
});

test.each([
  ["loging: []", "f:4:1: loging: is unknown and ignored; did you mean logging?"],
  ["Verbosity: Minimum", "f:4:1: Verbosity: is unknown and ignored; did you mean verbosity?"],
  ["durability: disk", "f:4:1: durability: is unknown and ignored; did you mean muninn.durability?"],
  [
    "rpKeepFilesNum: 1",
    "f:4:1: rpKeepFilesNum: is unknown and ignored; did you mean rotation.rpKeepFilesNum?",
  ],
  ["somethingElse: 1", "f:4:1: somethingElse: is unknown and ignored"],
  [
    "hasEKG: {epHost: a, epPort: 1, epForceSsl: true}",
    "f:4:32: hasEKG.epForceSsl: is unknown and ignored; did you mean hasEKG.epForceSSL?",
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {queuesize: 1}]",
    "f:4:55: hasForwarding[2].queuesize: is unknown and ignored; did you mean hasForwarding[2].queueSize?",
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {tofQueueSize: 1}]",
    "f:4:69: hasForwarding[2].tofQueueSize: is called queueSize; cardano-tracer ignores this name",
  ],
  [
    "hasForwarding: [{tag: AcceptAt, contents: /b}, null, {connQueueSize: 1}]",
    "f:4:70: hasForwarding[2].connQueueSize: is from before queueSize, and is used only where that is absent",
  ],
  [
    "muninn: {maxAnswerBytes: 1MiB}",
    "f:4:26: muninn.maxAnswerBytes: is now muninn.maxMetricsBytes and muninn.maxDataPointBytes; it sets both where they are absent",
  ],
  [
    "hasEKG: [{epHost: a, epPort: 1}, {epHost: a, epPort: 2}]",
    "f:4:9: hasEKG: is a list, as cardano-tracer before 0.3 had it; its first endpoint serves all, the others are not used",
  ],
  [
    "hasRTView: {epHost: a, epPort: 1}",
    "f:4:12: hasRTView: is not used: cardano-tracer removed RTView in 0.5; use Prometheus and Grafana instead",
  ],
  [
    "metricsComp: {a: b}",
    "f:4:14: metricsComp: is not used: cardano-tracer removed it in 0.3.2; every metric has one name, that of the node",
  ],
  ["constructor: 1", "f:4:1: constructor: is unknown and ignored"],
  [
    "muninn: {auth: {ekg: {bearerToken: a}}}",
    "f:4:22: muninn.auth.ekg: protects nothing: there is no hasEKG",
  ],
])("%s gives a warning at its place", async (field, warning) => {
  expect(await warningsOf(`${base}${field}`)).toEqual([warning]);
});

test.each([
  ["muninn: {durabilty: disk}", "f:4:10: muninn.durabilty: is unknown; did you mean muninn.durability?"],
  [
    "muninn: {maxOpenFiles: 3}",
    "f:4:10: muninn.maxOpenFiles: is unknown; did you mean muninn.registry.maxOpenFiles?",
  ],
  [
    "muninn: {registry: {idleTimout: 3}}",
    "f:4:21: muninn.registry.idleTimout: is unknown; did you mean muninn.registry.idleTimeout?",
  ],
  ["muninn: {nothingLikeIt: 3}", "f:4:10: muninn.nothingLikeIt: is unknown"],
])("%s is an error, because only Muninn reads it", async (field, error) => {
  expect(await errorsOf(`${base}${field}`)).toEqual([error]);
});

test("equal sections are merged, with a warning", async () => {
  const section = "{logRoot: /logs, logMode: FileMode, logFormat: ForMachine}";
  const text = `networkMagic: 1\nnetwork: {tag: AcceptAt, contents: /a}\nlogging: [${section}, ${section}]`;
  expect(await warningsOf(text)).toEqual(["f:3:71: logging[1]: is the same as logging[0]; once is enough"]);
});
