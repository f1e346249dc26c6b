import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { XMLParser } from 'fast-xml-parser';

import { loadConfig } from '../src/config/load-config.ts';

const clients = 50_000;
const rounds = 5;

/** Every client with three attributes, in groups of a thousand with rules of their own. */
function grouped(): string {
  const lines = ['<config>', '<alerts><mail to="ops@example.org"/><alert type="cpu" limit="95%" for="15m"/></alerts>'];
  for (let index = 0; index < clients; index += 1) {
    if (index % 1000 === 0)
      lines.push(`<group name="rack-${index / 1000}"><alert type="disk" warning="85%" critical="95%"/>`);
    lines.push(
      `  <client name="web-${index}" ip="10.${index >> 16}.${(index >> 8) & 255}.${index & 255}" username="monitor"/>`,
    );
    if (index % 1000 === 999) lines.push('</group>');
  }
  return [...lines, '</config>'].join('\n');
}

/** As the predecessor writes it: everything on every client, two alerts each. */
function flat(): string {
  const lines = ['<config>'];
  for (let index = 0; index < clients; index += 1) {
    const ip = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    lines.push(
      `  <client ip="${ip}" port="22" username="monitor" password="secret-${index}" mail="admin-${index % 50}@example.org">`,
      '    <alert type="memory" limit="50%"/>',
      '    <alert type="cpu" limit="20%"/>',
      '  </client>',
    );
  }
  return [...lines, '</config>'].join('\n');
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

function elapsedMs(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Loads 50,000 clients, interleaved with a bare parse of the same text by fast-xml-parser, and prints both. */
export async function benchConfig(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-health-bench-'));
  try {
    for (const [what, text] of [
      ['in groups', grouped()],
      ["the predecessor's way", flat()],
    ] as const) {
      const file = path.join(folder, 'config.xml');
      writeFileSync(file, text, { mode: 0o600 });
      const load: number[] = [];
      const parse: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        load.push(elapsedMs(() => void loadConfig({ file, nowMs: 0 })));
        parse.push(elapsedMs(() => void new XMLParser({ ignoreAttributes: false }).parse(text)));
        await new Promise(setImmediate);
      }
      const ratio = median(load) / median(parse);
      const figures = `first ${Math.round(load[0] ?? 0)} ms, median ${Math.round(median(load))} ms`;
      console.log(
        `config: ${clients} clients ${what}: ${figures}; ${ratio.toFixed(2)} times a bare parse (${Math.round(median(parse))} ms)`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
