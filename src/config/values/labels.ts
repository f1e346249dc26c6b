/** Labels that every alert has of its own. */
const own = new Set(['alertname', 'instance', 'severity', 'subject']);
const maxLabels = 20;

export type Labels = Readonly<Record<string, string>>;

/**
 * Returns the labels of `site=fra,team=web`. Returns null if the text is no list of labels. Names are those of
 * Prometheus (`[a-zA-Z_][a-zA-Z0-9_]*`), each once, and values have up to 200 characters without a comma.
 */
export function parseLabels(text: string): Labels | null {
  const labels = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = /^\s*([a-zA-Z_][a-zA-Z0-9_]{0,63})=(\P{C}{1,200})$/u.exec(part.trimEnd()) ?? [];
    if (name === '' || name.startsWith('__') || own.has(name) || labels.has(name)) return null;
    labels.set(name, value);
  }
  return labels.size > maxLabels ? null : Object.fromEntries(labels);
}

/**
 * Returns the labels of a client, `role=web site=ber`: those of parseLabels with blanks between. Values have no blank,
 * `,`, `!` or `=`.
 */
export function parseClientLabels(text: string): Labels | null {
  return /[,!]|=\S*=/.test(text) ? null : parseLabels(text.trim().split(/\s+/).join(','));
}

/** Formats labels as `role=web site=ber`. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** A condition on one label. */
interface LabelCondition {
  readonly name: string;
  readonly value: string;
  /** True for `!=`, which a client without the label meets too. */
  readonly isNegative: boolean;
}

/** Returns the conditions of `site=ber,role!=db`, all of which must hold; null if the text is no list of conditions. */
export function parseLabelSelector(text: string): readonly LabelCondition[] | null {
  const conditions: LabelCondition[] = [];
  for (const part of text.split(',')) {
    const [, name, not, value] =
      /^\s*([a-zA-Z_][a-zA-Z0-9_]{0,63})\s*(!?)=\s*([^\s,!=\p{C}]{1,200})\s*$/u.exec(part) ?? [];
    if (name === undefined || value === undefined) return null;
    conditions.push({ name, value, isNegative: not === '!' });
  }
  return conditions;
}

/** True if the labels meet all conditions. */
export function hasLabels(labels: Labels, conditions: readonly LabelCondition[]): boolean {
  return conditions.every(({ name, value, isNegative }) => (labels[name] === value) !== isNegative);
}
