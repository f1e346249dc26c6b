import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { ConfigLoadCosts, ConfigLoadInput } from './config-load.ts';
import { inFreshProcess, inTemporaryFolder } from './children.ts';
import { atMost, measured, seriesOf, type BenchOptions, type BenchResult, type Figure, type Row } from './figure.ts';
import { spreadOf, type Point } from './statistics.ts';

const peer = "fast-xml-parser's bare parse";
const grouped: Row = {
  name: 'config',
  what: 'config.xml with 50,000 clients, in groups with rules of their own, loaded and checked',
  unit: 's',
  peer,
  target: atMost(1.5),
};
const flat: Row = {
  name: 'config-flat',
  what: 'the same as the predecessor writes it: everything on every client, two alerts each',
  unit: 's',
  peer,
  target: null,
};

/** Measures loads of config.xml, each the first of its process, as in a command. */
export function benchConfig({ quick }: BenchOptions): Promise<BenchResult> {
  return inTemporaryFolder((dir) => {
    const file = path.join(dir, 'config.xml');
    const load = (text: string): ConfigLoadCosts => {
      writeFileSync(file, text, { mode: 0o600 });
      return inFreshProcess('config-load.ts', { file } satisfies ConfigLoadInput) as ConfigLoadCosts;
    };
    const rounds = (count: number, text: string): ConfigLoadCosts[] => Array.from({ length: count }, () => load(text));
    const figures: Figure[] = [];
    const points: Point[] = [];
    for (const clients of quick ? [50] : [100, 1000, 10_000, 50_000]) {
      const costs = rounds(quick ? 1 : 5, groupedText(clients));
      const ours = costs.map(({ loadMs }) => loadMs / 1000);
      points.push({ n: clients, value: spreadOf(ours).median });
      if (clients < 50_000 && !quick) continue;
      const parsed = costs.map(({ parseMs }) => parseMs / 1000);
      figures.push(measured(grouped, ours, parsed));
      const old = rounds(quick ? 1 : 5, flatText(clients));
      figures.push(
        measured(
          flat,
          old.map(({ loadMs }) => loadMs / 1000),
          old.map(({ parseMs }) => parseMs / 1000),
        ),
      );
    }
    const series = seriesOf({ name: 'config-time', what: 'config.xml loaded and checked', unit: 's' }, points);
    return Promise.resolve({ figures, series: [series] });
  });
}

/** Returns a config.xml of clients with three attributes, in groups of a thousand with rules of their own. */
function groupedText(clients: number): string {
  const lines = ['<config>', '<alerts><mail to="ops@example.org"/><alert type="cpu" limit="95%" for="15m"/></alerts>'];
  for (let index = 0; index < clients; index += 1) {
    if (index % 1000 === 0) {
      lines.push(`<group name="rack-${index / 1000}"><alert type="disk" warning="85%" critical="95%"/>`);
    }
    lines.push(`  <client name="web-${index}" ip="${addressOf(index)}" username="monitor"/>`);
    if (index % 1000 === 999 || index === clients - 1) lines.push('</group>');
  }
  return [...lines, '</config>'].join('\n');
}

/** Returns a config.xml in the predecessor's style: all settings on every client, two alerts each. */
function flatText(clients: number): string {
  const lines = ['<config>'];
  for (let index = 0; index < clients; index += 1) {
    const mail = `admin-${index % 50}@example.org`;
    lines.push(
      `  <client ip="${addressOf(index)}" port="22" username="monitor" password="secret-${index}" mail="${mail}">`,
      '    <alert type="memory" limit="50%"/>',
      '    <alert type="cpu" limit="20%"/>',
      '  </client>',
    );
  }
  return [...lines, '</config>'].join('\n');
}

function addressOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}
