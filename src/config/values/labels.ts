/** Labels that every alert has of its own. */
const own = new Set(['alertname', 'instance', 'severity', 'subject']);
const mostLabels = 20;

/**
 * Returns the labels of `site=fra,team=web`. Returns null if the text is no list of them: names are those of Prometheus
 * (`[a-zA-Z_][a-zA-Z0-9_]*`), each once, and values are up to 200 characters without a comma.
 */
export function parseLabels(text: string): Readonly<Record<string, string>> | null {
  const labels = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = /^\s*([a-zA-Z_][a-zA-Z0-9_]{0,63})=(\P{C}{1,200})$/u.exec(part.trimEnd()) ?? [];
    if (name === '' || name.startsWith('__') || own.has(name) || labels.has(name)) return null;
    labels.set(name, value);
  }
  return labels.size > mostLabels ? null : Object.fromEntries(labels);
}
