/** The manual pages under mandoc: it finds no faults, and shows the text as it is meant. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';

const folder = path.join(packageDir, 'man');
const skip = existsSync('/usr/bin/mandoc') ? false : 'needs mandoc';

function mandoc(...args: readonly string[]): { readonly said: string; readonly text: string } {
  const { error, stdout, stderr } = spawnSync('/usr/bin/mandoc', args, { cwd: folder, encoding: 'utf8' });
  if (error) throw error;
  return { said: stderr, text: stdout.replaceAll(/.[\b]/g, '') };
}

for (const name of readdirSync(folder)) {
  test(`mandoc has nothing to say against ${name}`, { skip }, () => {
    const { text } = mandoc('-Tlint', name);
    // A reference to a page that is not installed is no fault: three such pages are missing here.
    const faults = text.split('\n').filter((line) => line !== '' && !line.includes('referenced manual not found'));
    assert.deepEqual(faults, []);
  });
}

test('a page shows what begins like a macro, backslashes and patterns as they are meant', { skip }, () => {
  const { text } = mandoc('-Tutf8', 'fleet-health-config.5');
  assert.match(text, /<client name="db-1" ip="192\.0\.2\.9" port="2222" mail="dba@example\.org"\/>/);
  assert.match(text, /names or patterns, with commas; ! excludes/);
  const program = mandoc('-Tutf8', 'fleet-health.1').text;
  assert.match(program, /fleet-health status 'web-\*' --sort disk/);
  assert.match(program, /^ {3}silence add$/m);
});
