import type { FamilyGroup, MetricsConfig } from '../config.ts';
import { familyGroups, parseFamilyGroups } from '../values/family-groups.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { ReadContext } from './read-secret.ts';

/** Reads `<metrics>`. Returns null if the element is missing, or after reporting a missing `textfile`. */
export function readMetrics(element: Element | null, { findings }: ReadContext): MetricsConfig | null {
  const { textfile, families } = element?.attributes ?? {};
  if (element === null) return null;
  if (textfile === undefined) {
    if (!element.faulty) findings.fault(element, '<metrics> lacks textfile; write textfile="..."');
    return null;
  }
  if (!textfile.endsWith('.prom')) {
    findings.warn(element, '<metrics> textfile does not end with .prom, and node_exporter reads no other files');
  }
  return {
    textfile: localPath(textfile, element.source),
    families: parseFamilyGroups(families ?? '') ?? familyGroups,
  };
}

/** Returns the families that `<metrics>` of `<serve>` serves; null without the element. */
export function readServedMetrics(element: Element | null, { findings }: ReadContext): readonly FamilyGroup[] | null {
  if (element === null) return null;
  const { textfile, families } = element.attributes;
  if (textfile !== undefined) {
    const message = '<metrics> of <serve> has textfile; write another <metrics textfile="..."/> beside <serve>';
    findings.fault(element, message);
  }
  return parseFamilyGroups(families ?? '') ?? familyGroups;
}
