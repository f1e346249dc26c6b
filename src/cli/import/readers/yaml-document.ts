import { parse, YAMLError } from 'yaml';

import type { SourceText } from '../imported.ts';
import { unreadable } from '../unreadable.ts';

/** A list of another machine may not have merge keys, which let a small text become a large document. */
export interface YamlOptions {
  /** True if `<<` merges mappings, as PyYAML does. */
  readonly merge: boolean;
}

/**
 * Parses YAML, and JSON as a part of it. Throws FleetError `import-unreadable`, whose message quotes nothing of the
 * file.
 */
export function yamlDocument(source: SourceText, advice: string, { merge }: YamlOptions = { merge: false }): unknown {
  try {
    return parse(source.text, { merge }) as unknown;
  } catch (thrown) {
    const isOfMerge = merge && thrown instanceof Error && thrown.message.startsWith('Merge sources must be');
    if (isOfMerge) throw unreadable(source, 'a merge key (<<) names no mapping', advice);
    if (!(thrown instanceof YAMLError || thrown instanceof ReferenceError)) throw thrown;
    throw unreadable(source, `it is no YAML${placeOf(thrown)}`, advice);
  }
}

/** Returns the line of a fault; an empty text if it is not known. The parser's message may quote the file. */
function placeOf(thrown: Error): string {
  const line = thrown instanceof YAMLError ? thrown.linePos?.[0].line : undefined;
  return line === undefined ? '' : `: line ${line} cannot be read`;
}
