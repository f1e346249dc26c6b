import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';

import type { LiveDocument } from '../../src/page/live/live-document.ts';
import { markup } from '../../src/page/markup.ts';
import type { Asked } from '../../src/serve/answer.ts';
import { type LookOptions, pageRoutes } from '../../src/serve/look-pages.ts';

const document: LiveDocument = { title: ['Runs'], path: '/runs', lead: null, body: markup`<p>run</p>`, zone: null };

test('a page that many ask for at once is made once, and anew for who asks later', async () => {
  let made = 0;
  let fault: Error | null = null;
  const read = (): Promise<LiveDocument> => {
    made += 1;
    return fault === null ? Promise.resolve(document) : Promise.reject(fault);
  };
  const faults: unknown[] = [];
  const onFault = (thrown: unknown): void => void faults.push(thrown);
  const route = pageRoutes({
    reader: { read },
    configFault: () => null,
    zone: () => null,
    onFault,
  } as unknown as LookOptions).find(({ path }) => path === '/runs');
  assert.ok(route);
  const ask = async (url: string): Promise<number | undefined> => {
    const incoming = { url } as unknown as IncomingMessage;
    return (await route.answer({ incoming } as unknown as Asked))?.status;
  };
  assert.deepEqual(await Promise.all(['/runs', '/runs', '/runs?x=1', '/runs'].map(ask)), [200, 200, 200, 200]);
  assert.equal(made, 2);
  fault = new Error('no such table');
  assert.deepEqual([await Promise.all(['/runs', '/runs'].map(ask)), made], [[500, 500], 3]);
  fault = null;
  assert.deepEqual([await ask('/runs'), made, faults.length], [200, 4, 2]);
});
