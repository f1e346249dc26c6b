/** A config.xml around an element of a document. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { loadConfig } from '../../../src/config/load-config.ts';
import { vocabulary } from '../../../src/config/vocabulary/vocabulary.ts';

/** Wraps a text in an element, and the element in its first possible parent, up to the root. */
export function within(parent: string | undefined, text: string): string {
  if (parent === undefined) return text;
  return within(vocabulary[parent]?.parents[0], `<${parent}>${text}</${parent}>`);
}

/** Adds elements to a config.xml, and what its own elements need of those around them. */
export function withNeeded(text: string, elements: readonly string[]): string {
  return text
    .replace(/<config\b[^>]*>/, `$&${elements.join('')}`)
    .replace('<alerts>', '<alerts mail="ops@example.org">')
    .replace('<collector><forward', '<collector open="no"><forward');
}

/** Loads a config.xml in a folder, beside the files of clients that examples include. Throws FleetError. */
export function loadIn(dir: string, text: string): void {
  mkdirSync(path.join(dir, 'clients.d'), { recursive: true });
  const included = '<config><client name="web-2"/></config>';
  for (const name of ['clients.d/a.xml', 'fra.xml']) writeFileSync(path.join(dir, name), included, { mode: 0o600 });
  const file = path.join(dir, 'config.xml');
  writeFileSync(file, text, { mode: 0o600 });
  loadConfig({ file, nowMs: Date.UTC(2026, 0, 1) });
}
