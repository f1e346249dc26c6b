import type { MetricsConfig } from '../config.ts';
import { familyGroups, parseFamilyGroups } from '../values/family-groups.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { ReadContext } from './read-secret.ts';

/** `<metrics>`; null without it. */
export function readMetrics(element: Element | null, { findings }: ReadContext): MetricsConfig | null {
  const { textfile, families } = element?.attributes ?? {};
  if (element === null || textfile === undefined) return null;
  if (!textfile.endsWith('.prom')) {
    findings.warn(element, '<metrics> textfile does not end with .prom, and node_exporter reads no other files');
  }
  return {
    textfile: localPath(textfile, element.source),
    families: parseFamilyGroups(families ?? '') ?? familyGroups,
  };
}
