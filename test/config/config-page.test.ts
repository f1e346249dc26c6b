import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { examples } from '../../build/reference/config-reference.ts';
import { referenceFiles } from '../../build/reference/reference.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { packageDir } from '../../src/state/paths.ts';
import { tempFolder } from '../support/temp-folder.ts';

for (const [name, content] of referenceFiles()) {
  test(`${name} is what build/reference makes`, () => {
    const file = path.join(packageDir, name);
    if (process.env['UPDATE'] === '1') writeFileSync(file, content);
    assert.equal(readFileSync(file, 'utf8'), content);
  });
}

test('the examples of docs/config.md are valid', (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'config.xml');
  const inAlerts = ['mail', 'webhook', 'alert', 'window'];
  const of = (wanted: boolean): string =>
    Object.entries(examples)
      .flatMap(([name, example]) => (inAlerts.includes(name) === wanted ? [example] : []))
      .join('\n');
  writeFileSync(file, `<config>${of(false)}<alerts>${of(true)}</alerts></config>`, { mode: 0o600 });
  const config = loadConfig({ file, nowMs: Date.UTC(2026, 0, 1) });
  assert.equal(config.clients.length, 9);
});
