import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { examples } from '../../build/reference/config-reference.ts';
import { referenceFiles } from '../../build/reference/reference.ts';
import { vocabulary } from '../../src/config/vocabulary/vocabulary.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { loadIn, withNeeded, within } from './support/whole-config.ts';

for (const [name, content] of referenceFiles()) {
  test(`${name} is what build/reference makes`, () => {
    const file = path.join(packageDir, name);
    if (process.env['UPDATE'] === '1') writeFileSync(file, content);
    const advice = `${name} is outdated: UPDATE=1 node --import tsx --test test/config/config-page.test.ts`;
    assert.ok(readFileSync(file, 'utf8') === content, advice);
  });
}

test('every element has an example, which is valid', (t) => {
  const dir = tempFolder(t);
  const [jump, alerts] = ['<bastion name="jump-1" ip="192.0.2.1"/>', '<alerts mail="ops@example.org"/>'];
  for (const name of Object.keys(vocabulary)) {
    const text = within(vocabulary[name]?.parents[0], examples[name] ?? assert.fail(`no example of ${name}`));
    const around = [text.includes('<alerts') ? '' : alerts, '<client name="web-9"/>'];
    if (name !== 'bastion') around.unshift(jump);
    if (name === 'canary') around.unshift('<smtp host="localhost" from="a@example.org"/>', examples['replies'] ?? '');
    const whole = withNeeded(text, around);
    assert.doesNotThrow(() => loadIn(dir, whole), `${name}: ${whole}`);
  }
});
