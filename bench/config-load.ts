/** One round of bench/config.ts. Its one argument is a ConfigLoadInput as JSON; prints ConfigLoadCosts. */
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
// Ours first: what is compiled and warm by then is so for the other one.
const loadMs = elapsedMs(() => loadConfig({ file, nowMs: 0 }));
const parseMs = elapsedMs(
  () => new XMLParser({ ignoreAttributes: false }).parse(readFileSync(file, 'utf8')) as unknown,
);
process.stdout.write(JSON.stringify({ loadMs, parseMs } satisfies ConfigLoadCosts));
