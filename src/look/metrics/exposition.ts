import { escapeControls } from '../../platform/errors/log.ts';
import { type Family, prefix } from './families.ts';
import type { Labels } from './figures.ts';

/** The text format. `text`: Prometheus' text format 0.0.4. `openmetrics`: OpenMetrics 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The end of an OpenMetrics text. */
export const openMetricsEnd = '# EOF\n';

/** Returns the first lines of a family. */
export function familyHead({ name, type, unit, help }: Family, format: ExpositionFormat): string {
  const isOpen = format === 'openmetrics';
  // In OpenMetrics, the name of an info family is its samples' name without `_info`.
  const full = `${prefix}${isOpen && type === 'info' ? name.replace(/_info$/, '') : name}`;
  const lines = [`# HELP ${full} ${isOpen ? escapeValue(help) : escapeHelp(help)}`];
  lines.push(`# TYPE ${full} ${isOpen ? type : 'gauge'}`);
  if (isOpen && unit !== null) lines.push(`# UNIT ${full} ${unit}`);
  return `${lines.join('\n')}\n`;
}

/** Returns the name and the labels of a series. An empty label equals a missing one. */
export function seriesText(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).flatMap(([label, value]) =>
    value === '' ? [] : [`${label}="${labelValue(value)}"`],
  );
  return `${prefix}${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`;
}

/**
 * Returns text from outside as a label's value: control and direction characters become visible escapes, then the
 * format's own escapes apply. Different texts stay different, so no client makes two equal series.
 */
function labelValue(text: string): string {
  return escapeValue(escapeControls(text));
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
