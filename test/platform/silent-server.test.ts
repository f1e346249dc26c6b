import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'node:test';

import { withTimeout } from '../../src/platform/deadline.ts';
import { postSigned } from '../../src/platform/signed-post.ts';
import { pushPath } from '../../src/report/seal/push.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a request to a silent server ends at its limit, however much garbage is collected', async (t) => {
  const server = createServer((socket) => void socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${pushPath}`);
  const body = Buffer.from('body');
  const post = { url, path: pushPath, client: 'web-1', key: Buffer.alloc(32), body, maxAnswerBytes: 100 } as const;
  let collected = 0;
  const garbage = setInterval(() => {
    collected += 1;
    collectGarbage();
  }, 20);
  t.after(() => clearInterval(garbage));
  const { signal } = new AbortController();
  const request = withTimeout({ timeoutMs: 500, signal }, (limit) =>
    postSigned({ ...post, agent: false, signal: limit }),
  );
  const ended = request.catch((thrown: unknown) => (thrown as Error).name);
  const giveUp = new Promise((resolve) => setTimeout(resolve, 60_000, 'it waits for ever').unref());
  assert.equal(await Promise.race([ended, giveUp]), 'AbortError');
  assert.ok(collected > 1);
});

test('the outer signal ends the work, before it began too', async () => {
  const outer = new AbortController();
  const reasonOf = (limit: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => {
      if (limit.aborted) resolve(limit.reason);
      else limit.addEventListener('abort', () => resolve(limit.reason));
    });
  const ended = withTimeout({ timeoutMs: 60_000, signal: outer.signal }, reasonOf);
  outer.abort('enough');
  assert.equal(await ended, 'enough');
  assert.equal(await withTimeout({ timeoutMs: 60_000, signal: outer.signal }, reasonOf), 'enough');
});
