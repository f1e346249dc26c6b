import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { packageDir } from '../../../src/state-folder/paths.ts';

const script = `
import { heedSignals } from ${JSON.stringify(path.join(packageDir, 'src/cli/terminal/streams-and-signals.ts'))};
const abort = new AbortController();
heedSignals(abort);
abort.signal.addEventListener('abort', () => console.log(abort.signal.reason.code));
setInterval(() => undefined, 1000);
console.log('ready');
`;

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
] as const) {
  test(`${first} aborts, and ${second} after it ends at once with 1`, async () => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, args, { cwd: packageDir, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    assert.deepEqual(await once(lines, 'line'), ['ready']);
    child.kill(first);
    assert.deepEqual(await once(lines, 'line'), ['interrupted']);
    assert.equal(child.exitCode, null);
    child.kill(second);
    assert.deepEqual(await once(child, 'exit'), [1, null]);
  });
}
