/** A sample in Prometheus' text format, of *.prom files and of programs with `format=prom`. */
export interface PromSample {
  readonly metric: string;
  /** The labels by name. An empty label equals a missing one. */
  readonly labels: readonly (readonly [string, string])[];
  /** The value; NaN and infinite values cannot be stored as samples. */
  readonly value: number;
}

const nameForm = /^[ \t]*([A-Za-z_:][\w:]*)/;
/** A value, a time and, in OpenMetrics, an exemplar. */
const valueForm = /^[ \t]*(\S+)(?:[ \t]+-?\d+(?:\.\d+)?)?(?:[ \t]+#[ \t].*)?\s*$/;
const quotedText = String.raw`"((?:[^"\\]|\\.)*)"`;
/** A label, whose name may be in quotes, or the metric in quotes. */
const labelForm = new RegExp(
  String.raw`\s*(?:([A-Za-z_]\w*)|${quotedText})\s*(?:=\s*${quotedText}\s*)?(?:,\s*|(?=\}))`,
  'y',
);
const endForm = /\s*\}/y;
const numberForm = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
/** A value that no row can hold. */
const otherNumberForm = /^[-+]?(?:nan|inf|infinity|0x[\da-f.]+(?:p[-+]?\d+)?)$/i;

/**
 * Reads a line by the grammar of Prometheus' own parser: blanks around the labels are optional, and names in quotes may
 * have any characters, the metric's among the labels: `{"my.metric", "a b"="c"} 1`. Returns null for a comment, an
 * empty line and any other line that is no sample.
 */
export function parseSample(line: string): PromSample | null {
  const [begin = '', name] = nameForm.exec(line) ?? [];
  const behind = line.slice(begin.length);
  const [blanks = ''] = /^[ \t]*/.exec(behind) ?? [];
  const hasLabels = behind[blanks.length] === '{';
  const read = hasLabels ? parseLabels(behind.slice(blanks.length + 1)) : null;
  // A name without labels needs a blank behind it.
  if (read === null && (hasLabels || blanks === '')) return null;
  const metric = name ?? read?.metric ?? null;
  if (metric === null || (name !== undefined && (read?.metric ?? null) !== null)) return null;
  const [, number] = valueForm.exec(read?.rest ?? behind) ?? [];
  const isNumber = numberForm.test(number ?? '');
  if (!isNumber && !otherNumberForm.test(number ?? '')) return null;
  return { metric, labels: read?.labels ?? [], value: isNumber ? Number(number) : NaN };
}

/** Returns a line about samples that share name and labels, of which the first counts; none if there are none. */
export function repeatedSamples(samples: readonly PromSample[]): readonly string[] {
  const names = new Set<string>();
  const repeated = samples.find(
    ({ metric, labels }) => names.size === names.add(JSON.stringify([metric, labels])).size,
  );
  const count = samples.length - new Set(samples.map(({ metric, labels }) => JSON.stringify([metric, labels]))).size;
  return repeated === undefined
    ? []
    : [`${count} of a name and labels that another one has, such as ${repeated.metric}`];
}

interface ReadLabels {
  /** The metric in quotes; null: there is none. */
  readonly metric: string | null;
  readonly labels: PromSample['labels'];
  /** The text behind the closing brace. */
  readonly rest: string;
}

/** Reads the text behind a brace. Returns null if it is not a list of labels, or names one or the metric twice. */
function parseLabels(text: string): ReadLabels | null {
  const labels = new Map<string, string>();
  let metric: string | null = null;
  for (let at = 0; ;) {
    endForm.lastIndex = at;
    const [end] = endForm.exec(text) ?? [];
    if (end !== undefined) {
      const known = [...labels].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
      return { metric, labels: known, rest: text.slice(at + end.length) };
    }
    labelForm.lastIndex = at;
    const [whole = '', plain, quoted = '', value] = labelForm.exec(text) ?? [];
    const name = plain ?? unescaped(quoted);
    const isMetric = value === undefined;
    if (name === '' || (isMetric ? plain !== undefined || metric !== null : labels.has(name))) return null;
    if (isMetric) metric = name;
    else labels.set(name, unescaped(value));
    at += whole.length;
  }
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}
