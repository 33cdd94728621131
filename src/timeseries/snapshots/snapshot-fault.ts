import { CodedError, type Sentences } from "../../base/coded-error.js";

/** Why a segment is not accepted, or none can be written. */
export type SnapshotFault =
  | { code: "not-a-segment" }
  | { code: "other-version"; version: number }
  | { code: "cut-short"; expected: number; bytes: number }
  | { code: "checksum" }
  | { code: "malformed"; what: string }
  | { code: "taken"; file: string }
  | { code: "directory-unusable"; directory: string };

const sentences: Sentences<SnapshotFault> = {
  "not-a-segment": () => "it is not a segment of timeseries",
  "other-version": ({ version }) => `it has version ${version}, which this Muninn cannot read`,
  "cut-short": ({ expected, bytes }) => `it should have ${expected} bytes but has ${bytes}`,
  checksum: () => "its checksum is wrong",
  malformed: ({ what }) => `its ${what} cannot be right`,
  taken: ({ file }) => `${file} exists already: another Muninn seems to write to the same directory`,
  "directory-unusable": ({ directory }, cause) => `cannot write points below ${directory}: ${cause}`,
};

export class SnapshotError extends CodedError<SnapshotFault> {
  override readonly name = "SnapshotError";

  constructor(fault: SnapshotFault, options?: ErrorOptions) {
    super(sentences, fault, options);
  }
}
