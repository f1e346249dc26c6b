/** A sample in Prometheus' text format, of *.prom files and of programs with `format=prom`. */
export interface PromSample {
  readonly metric: string;
  /** The labels by name. An empty label equals a missing one. */
  readonly labels: readonly (readonly [string, string])[];
  /** The value; NaN and infinite values cannot be stored as samples. */
  readonly value: number;
}

const sampleForm = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?\s*$/;
const labelForm = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,\s*|$)/y;
const numberForm = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Reads a line. Returns null for a comment, an empty line and any other line that is no sample. */
export function parseSample(line: string): PromSample | null {
  const [, metric, written = '', number = ''] = sampleForm.exec(line) ?? [];
  if (metric === undefined) return null;
  const labels = parseLabels(written);
  return labels === null ? null : { metric, labels, value: numberForm.test(number) ? Number(number) : NaN };
}

/** Reads the text in braces. Returns null if it is not a list of labels, or names one twice. */
function parseLabels(text: string): PromSample['labels'] | null {
  const labels = new Map<string, string>();
  const end = text.trimEnd().length;
  for (let at = 0; at < end;) {
    labelForm.lastIndex = at;
    const [whole = '', name = '', value = ''] = labelForm.exec(text) ?? [];
    if (whole === '' || labels.has(name)) return null;
    labels.set(name, unescaped(value));
    at += whole.length;
  }
  return [...labels].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}
