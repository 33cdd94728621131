/** Why a segment is not taken, or none can be written. */
export type SnapshotFault =
  | { code: "not-a-segment" }
  | { code: "other-version"; version: number }
  | { code: "cut-short"; expected: number; bytes: number }
  | { code: "checksum" }
  | { code: "malformed"; what: string }
  | { code: "taken"; file: string }
  | { code: "directory-unusable"; directory: string };

export class SnapshotError extends Error {
  readonly fault: SnapshotFault;

  constructor(fault: SnapshotFault, options?: ErrorOptions) {
    super(describe(fault, options?.cause), options);
    this.name = "SnapshotError";
    this.fault = fault;
  }
}

function describe(fault: SnapshotFault, cause: unknown): string {
  switch (fault.code) {
    case "not-a-segment":
      return "it does not begin as a segment of timeseries does";
    case "other-version":
      return `it is of version ${fault.version}, which this Muninn does not read`;
    case "cut-short":
      return `it should have ${fault.expected} bytes and has ${fault.bytes}`;
    case "checksum":
      return "its checksum is wrong";
    case "malformed":
      return `its ${fault.what} cannot be right`;
    case "directory-unusable":
      return `cannot write points below ${fault.directory}: ${cause instanceof Error ? cause.message : "no reason given"}`;
    case "taken":
      return `${fault.file} is there already: another Muninn seems to write to the same directory`;
  }
}
