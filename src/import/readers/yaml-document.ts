import { parse, YAMLError } from 'yaml';

import type { SourceText } from '../imported.ts';
import { unreadable } from '../unreadable.ts';

/** Parses YAML, and JSON as a part of it. Throws FleetError `import-unreadable`, whose message quotes nothing. */
export function yamlDocument(source: SourceText, advice: string): unknown {
  try {
    return parse(source.text) as unknown;
  } catch (thrown) {
    if (!(thrown instanceof YAMLError || thrown instanceof ReferenceError)) throw thrown;
    throw unreadable(source, `it is no YAML${placeOf(thrown)}`, advice);
  }
}

/** Returns the line of a fault; an empty text if it is not known. The parser's message may quote the file. */
function placeOf(thrown: Error): string {
  const line = thrown instanceof YAMLError ? thrown.linePos?.[0].line : undefined;
  return line === undefined ? '' : `: line ${line} cannot be read`;
}
