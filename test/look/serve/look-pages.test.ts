import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';

import type { LiveDocument } from '../../../src/look/page/live/live-document.ts';
import { markup } from '../../../src/look/page/markup.ts';
import type { Asked } from '../../../src/look/serve/answer.ts';
import { documentRoutes } from '../../../src/look/serve/look-documents.ts';
import { answerMs, type LookOptions, pageRoutes } from '../../../src/look/serve/look-pages.ts';

const document: LiveDocument = { title: ['Runs'], path: '/runs', body: markup`<p>run</p>`, zone: null };

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

/** Sends a request to a server whose database never answers. Returns the answer at the time limit. */
async function askInVain(t: TestContext, where: string): Promise<{ status: number | undefined; body: string }> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const options = {
    reader: { read: () => new Promise(() => undefined), awaySinceMs: null },
    configFault: () => null,
    zone: () => null,
    onFault: (thrown: unknown) => assert.fail(String(thrown)),
  } as unknown as LookOptions;
  const { pathname, searchParams: query } = new URL(where, 'http://localhost');
  const route = [...pageRoutes(options), ...documentRoutes(options)].find(({ path }) => path === pathname);
  const asked = { incoming: { url: where }, query, parts: {} } as unknown as Asked;
  let isAnswered = false;
  const answer = Promise.resolve(route?.answer(asked)).finally(() => (isAnswered = true));
  t.mock.timers.tick(answerMs - 1);
  await new Promise(setImmediate);
  assert.equal(isAnswered, false);
  t.mock.timers.tick(1);
  const made = await answer;
  return { status: made?.status, body: made?.body ?? '' };
}

test('a report that takes too long is answered with the command that makes it', async (t) => {
  const { status, body } = await askInVain(t, '/report?client=web-*&group=a+b&since=7d');
  assert.equal(status, 503);
  assert.match(body, /It takes more than 5 s, or the database is away\./);
  const text = body.replaceAll('&#39;', "'");
  assert.ok(text.includes("fleet-health report 'web-*' '--group' 'a b' '--since' 7d makes it."), text);
});

test('a page that takes too long is answered as one of a database that is away', async (t) => {
  const { status, body } = await askInVain(t, '/runs');
  assert.equal(status, 503);
  assert.match(body, /The database is away/);
});
