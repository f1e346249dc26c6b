import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { examples } from '../../build/reference/config-reference.ts';
import { referenceFiles } from '../../build/reference/reference.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { vocabulary } from '../../src/config/vocabulary/vocabulary.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { tempFolder } from '../support/temp-folder.ts';

for (const [name, content] of referenceFiles()) {
  test(`${name} is what build/reference makes`, () => {
    const file = path.join(packageDir, name);
    if (process.env['UPDATE'] === '1') writeFileSync(file, content);
    assert.equal(readFileSync(file, 'utf8'), content);
  });
}

/** Wraps the text of an element in its first possible parent, and the parent in its own, up to the root. */
function within(name: string, text: string): string {
  const [parent] = vocabulary[name]?.parents ?? [];
  return parent === undefined ? text : within(parent, `<${parent}>${text}</${parent}>`);
}

test('every element has an example, which is valid', (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'config.xml');
  mkdirSync(path.join(dir, 'clients.d'));
  writeFileSync(path.join(dir, 'clients.d', 'a.xml'), '<config><client name="web-2"/></config>', { mode: 0o600 });
  const [jump, alerts] = ['<bastion name="jump-1" ip="192.0.2.1"/>', '<alerts mail="ops@example.org"/>'];
  for (const name of Object.keys(vocabulary)) {
    const text = within(name, examples[name] ?? assert.fail(`no example of ${name}`));
    const around = `${name === 'bastion' ? '' : jump}${text.includes('<alerts') ? '' : alerts}<client name="web-9"/>`;
    const needs = ['<smtp host="localhost" from="a@example.org"/>', examples['replies'] ?? ''].join('');
    const whole = text
      .replace(/<config\b[^>]*>/, `$&${name === 'canary' ? needs : ''}${around}`)
      .replace('<alerts>', '<alerts mail="ops@example.org">')
      .replace('<collector><forward', '<collector open="no"><forward');
    writeFileSync(file, whole, { mode: 0o600 });
    assert.doesNotThrow(() => loadConfig({ file, nowMs: Date.UTC(2026, 0, 1) }), `${name}: ${whole}`);
  }
});
