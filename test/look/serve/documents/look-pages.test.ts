import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { LookAsked } from '../../../../src/look/serve/documents/documents.ts';
import { lookAnswerers } from '../../../../src/look/serve/documents/look-answerers.ts';
import { answerMs } from '../../../../src/look/serve/look-answer.ts';
import type { LookName } from '../../../../src/look/serve/routes.ts';

/** Sends a request to a server whose database never answers. Returns the answer at the time limit. */
async function askInVain(t: TestContext, name: LookName, url: string): Promise<{ status: number; body: string }> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answerers = lookAnswerers({
    reader: { read: () => new Promise(() => undefined), awaySinceMs: null },
    configFault: () => null,
    ...{ zone: () => null, hasEvents: false, prefix: '' },
    onFault: (thrown: unknown) => assert.fail(String(thrown)),
  } as unknown as Parameters<typeof lookAnswerers>[0]);
  const { searchParams: query } = new URL(url, 'http://localhost');
  const options = { parts: {}, isOpenMetrics: false, mayAcknowledge: false };
  const asked: LookAsked = { url, query, ...options, signal: new AbortController().signal };
  let isAnswered = false;
  const answer = answerers[name](asked).finally(() => (isAnswered = true));
  t.mock.timers.tick(answerMs - 1);
  await new Promise(setImmediate);
  assert.equal(isAnswered, false);
  t.mock.timers.tick(1);
  const { status, body } = await answer;
  return { status, body: String(body) };
}

test('a report that takes too long is answered with the command that makes it', async (t) => {
  const { status, body } = await askInVain(t, 'report', '/report?client=web-*&group=a+b&since=7d');
  assert.equal(status, 503);
  assert.match(body, /It takes more than 5 s, or the database is away\./);
  const text = body.replaceAll('&#39;', "'");
  assert.ok(text.includes("fleet-health report 'web-*' '--group' 'a b' '--since' 7d makes it."), text);
});

test('a page that takes too long is answered as one of a database that is away', async (t) => {
  const { status, body } = await askInVain(t, 'runs', '/runs');
  assert.equal(status, 503);
  assert.match(body, /The database is away/);
});
