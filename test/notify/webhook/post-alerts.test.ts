/** The state of many alerts, posted to an Alertmanager in batches. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { postAlerts } from '../../../src/notify/webhook/post-alerts.ts';
import { openReceiver, type HttpReceiver, type ReceiverAnswer } from '../../support/servers/http-receiver.ts';
import { noticeAlert } from '../support/notices.ts';

const alerts = Array.from({ length: 600 }, (_, index) => noticeAlert({ client: `web-${index + 1}` }));

/**
 * Posts 600 alerts to a host that gives these answers to its first requests. Returns the faults and the sizes of the
 * batches.
 */
async function posted(
  t: TestContext,
  answers: readonly ReceiverAnswer[],
): Promise<{ readonly host: HttpReceiver; readonly faults: readonly string[]; readonly sizes: readonly number[] }> {
  const host = await openReceiver(t);
  host.act(() => answers[host.received.length - 1] ?? { status: 200 });
  const config = { urls: [host.origin], labels: {}, ca: null, proxy: null, timeoutMs: 60_000 };
  const signal = new AbortController().signal;
  const faults = await postAlerts(config, alerts, { validUntilMs: Date.now() + 60_000, signal });
  const sizes = host.received.map(({ body }) => (JSON.parse(body) as readonly unknown[]).length);
  return { host, faults: faults.map(({ message }) => message), sizes };
}

test('a batch that is refused keeps back no other, and is reported', async (t) => {
  const { host, faults, sizes } = await posted(t, [{ status: 400, body: 'no' }]);
  assert.deepEqual(sizes, [500, 100]);
  assert.deepEqual(faults, [`alertmanager 127.0.0.1:${host.port}: status 400: no`]);
});

test('of two that are refused the first is reported', async (t) => {
  const { host, faults, sizes } = await posted(t, [{ status: 400, body: 'no' }, { status: 500 }]);
  assert.deepEqual(sizes, [500, 100]);
  assert.deepEqual(faults, [`alertmanager 127.0.0.1:${host.port}: status 400: no`]);
});

test('a host that does not answer is not asked again in the same pass', async (t) => {
  const { faults, sizes } = await posted(t, [(socket) => socket.destroy()]);
  assert.deepEqual(sizes, [500]);
  assert.equal(faults.length, 1);
});
