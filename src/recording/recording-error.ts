/** Why a file cannot be read as what was recorded. */
export class RecordingError extends Error {
  override readonly name = "RecordingError";
  readonly code: "not-a-recording" | "version-unknown" | "no-trace-objects";

  constructor(code: RecordingError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** A file without trace objects; `remarks` say which parts of it could not be read. */
export function withoutObjects(file: string, remarks: readonly string[] = []): RecordingError {
  const reasons = remarks.length === 0 ? "" : ` (${remarks.join("; ")})`;
  return new RecordingError("no-trace-objects", `${file} holds no trace objects${reasons}`);
}
