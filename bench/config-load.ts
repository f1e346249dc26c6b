/** A round of bench/config.ts. The only argument is a ConfigLoadInput as JSON. Prints ConfigLoadCosts. */
import { readFileSync } from 'node:fs';

import { XMLParser } from 'fast-xml-parser';

import { loadConfig } from '../src/config/load-config.ts';

export interface ConfigLoadInput {
  readonly file: string;
}

export interface ConfigLoadCosts {
  readonly loadMs: number;
  readonly parseMs: number;
}

function elapsedMs(work: () => unknown): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

const { file } = JSON.parse(process.argv[2] ?? '') as ConfigLoadInput;
// The project's own load comes first, so that warm and compiled code favours the peer.
const loadMs = elapsedMs(() => loadConfig({ file, nowMs: 0 }));
const parseMs = elapsedMs(
  () => new XMLParser({ ignoreAttributes: false }).parse(readFileSync(file, 'utf8')) as unknown,
);
process.stdout.write(JSON.stringify({ loadMs, parseMs } satisfies ConfigLoadCosts));
