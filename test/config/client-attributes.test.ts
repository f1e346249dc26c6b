// Second tier: each attribute with each arrival.
/** Each attribute of groups and clients has the effect that the vocabulary says, however reports arrive. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import type { Arrival } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { KindName } from '../../src/config/vocabulary/attribute-kinds.ts';
import type { AttributeSpec } from '../../src/config/vocabulary/element-spec.ts';
import { clientAttributes, groupAttributes } from '../../src/config/vocabulary/vocabulary-client.ts';
import { configFile, faultsOf, nowMs, shortly } from './support/config-files.ts';

/** Clients of each arrival, without a word that any attribute could change. */
const clients: Readonly<Record<Arrival['kind'], string>> = {
  ssh: 'name="web-1"',
  local: 'name="web-1" transport="local"',
  asked: 'name="web-1" transport="http" url="http://web-1:5000/"',
  comes: 'name="web-1" transport="push"',
  site: 'name="web-1" transport="forward" labels="site=ber"',
};
const kinds = Object.keys(clients) as readonly Arrival['kind'][];

/** Values beside the words, by kind. */
const values: Partial<Readonly<Record<KindName, string>>> = {
  ...{ text: 'x', secret: 'x', name: 'x', host: '192.0.2.9', port: '2200', path: '/x', remotePath: '/x' },
  ...{ variable: 'X', jumps: 'root@x', keyExchanges: '+x', emails: 'x@example.org', clientLabels: 'site=x' },
  ...{ need: '1', globs: 'x', parents: 'x', moment: '2026-12-01', duration: '77s', spokeUrl: 'http://x:1/' },
};

/** Attributes that others need beside them. */
const needed: Readonly<Record<string, string>> = { until: ' state="paused"' };

function valuesOf(name: string, { kind, words = [] }: AttributeSpec): readonly string[] {
  if (kind === undefined) return words;
  return [...words, values[kind] ?? assert.fail(`${name}: give a value of the kind ${kind} in this test`)];
}

/** Returns all that is read of a client, or its faults. */
function outcomeOf(client: string, group = ''): string {
  const file = configFile(
    `<config><alerts mail="ops@example.org"/><group ${group}><client ${client}/></group></config>`,
  );
  const folder = path.dirname(file);
  let read: readonly unknown[] = [];
  const found = faultsOf(() => {
    const config = loadConfig({ file, nowMs });
    read = [config.clients, shortly(config.warnings, folder)];
  }, folder);
  return JSON.stringify([read, found]).replaceAll(folder, '');
}

/** Returns a client with an attribute in place of its own. */
function withAttribute(client: string, name: string, value: string): string {
  return `${client.replace(new RegExp(`(?:^| )${name}="[^"]*"`), '')} ${name}="${value}"`;
}

for (const [name, spec] of Object.entries(clientAttributes)) {
  test(`${name} of a client has the effect that the vocabulary says, or is refused`, () => {
    for (const kind of kinds) {
      const client = clients[kind] + (needed[name] ?? '');
      const before = outcomeOf(client);
      const outcomes = valuesOf(name, spec).map((value) => outcomeOf(withAttribute(client, name, value)));
      const refused = outcomes.filter((outcome) => outcome.includes(`<client> has ${name} but `));
      assert.equal(
        refused.length,
        spec.effect[kind] === 'refused' ? outcomes.length : 0,
        `${kind}: ${outcomes.join()}`,
      );
      const isRead = outcomes.some((outcome) => outcome !== before);
      if (spec.effect[kind] !== 'none') assert.ok(isRead, `a client with ${name} is read as one without (${kind})`);
    }
  });
}

for (const [name, spec] of Object.entries(groupAttributes)) {
  test(`${name} of a group is read`, () => {
    const effect = clientAttributes[name]?.effect;
    const client = clients[kinds.find((kind) => effect?.[kind] === 'some') ?? 'ssh'];
    const outcomes = valuesOf(name, spec).map((value) => outcomeOf(client, `${name}="${value}"`));
    assert.ok(outcomes.some((outcome) => outcome !== outcomeOf(client)));
  });
}
