/** A value of an exposition with its labels. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleForm = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)(?: \d+)?$/s;
const labelForm = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/gsy;

/** The samples of a text exposition, format 0.0.4; comments, and lines that are not samples, are left out. */
export function* samplesIn(text: string): Generator<Sample> {
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = sampleForm.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    yield { name, labels: labelsIn(labels), value: Number(value.replace("Inf", "Infinity")) };
  }
}

function labelsIn(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(labelForm)) {
    labels[name] = value.replace(/\\(.)/gs, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return labels;
}
