/** Channels against receivers that keep to the documents of their vendors. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { Secret } from '../../../src/config/secret.ts';
import { freezeWebhook } from '../../../src/notify/webhook/freeze-webhook.ts';
import { createWebhookChannel } from '../../../src/notify/webhook/webhook.ts';
import { TryLater } from '../../../src/notify/notify.ts';
import type { Notice } from '../../../src/notify/webhook/notice.ts';
import { isLong, isWide } from '../../support/long-tests.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import {
  openPushover,
  vendors,
  type Vendor,
  type VendorFormat,
  type VendorMood,
} from '../../support/servers/vendor-server.ts';
import { clientText } from '../support/client-text.ts';
import { noticeAlert, noticeOf, webhookConfig } from '../support/notices.ts';
import { faultOf, outgoing, sendOptions } from '../support/smtp-config.ts';

const line = 'CRITICAL web-1: disk /var: 97 % used, 3 of 100 GiB free (limit 95 %)';
const firing = noticeOf([noticeAlert()]);
const formats = Object.keys(vendors) as readonly VendorFormat[];

interface Site {
  readonly vendor: Vendor;
  readonly mood: { now: VendorMood };
  /** Sends a notice. Returns the receipts that came back. */
  readonly send: (notice: Notice) => Promise<readonly string[]>;
}

async function openSite(t: TestContext, format: VendorFormat, vendor = vendors[format]()): Promise<Site> {
  const receiver = await openReceiver(t);
  const mood: Site['mood'] = { now: 'takes' };
  receiver.act((post) => vendor.answer(post, mood.now));
  const webhook = webhookConfig(vendor.url(receiver.origin), { format });
  return {
    vendor,
    mood,
    send: async (notice) => {
      const content = freezeWebhook(notice, webhook);
      assert.ok(!content.includes(vendor.token), 'the stored notification has the token');
      const receipts: string[] = [];
      const options = sendOptions({ onReceipt: (receipt) => void receipts.push(receipt) });
      await createWebhookChannel(webhook).send(outgoing({ messageId: notice.messageId, content }), options);
      return receipts;
    },
  };
}

for (const format of formats) {
  test(`${format}: a message is taken as documented, with its subject and a line for each alert`, async (t) => {
    const { send, vendor } = await openSite(t, format);
    await send(firing);
    const over = { state: 'resolved', severity: 'none', messageId: '<over@example.org>' } as const;
    await send(noticeOf([noticeAlert({ state: 'resolved', endsAtMs: 1 })], over));
    assert.deepEqual(vendor.seen, [
      `CRITICAL web-1: disk /var 97 %\n\n${line}`,
      'CRITICAL web-1: disk /var 97 %\n\nOver web-1: disk /var: 97 % used, 3 of 100 GiB free',
    ]);
  });

  test(`${format}: a documented refusal is one, in the vendor's words and without the token`, async (t) => {
    const { send, vendor, mood } = await openSite(t, format);
    mood.now = 'refuses';
    const fault = await faultOf(send(firing));
    assert.equal(fault.code, 'mail-refused');
    const words = /could not be sent|valid access token|chat not found|User not in room|user identifier is invalid/;
    assert.match(fault.message, words);
    assert.ok(!inspect(fault, { depth: 9 }).includes(vendor.token));
  });

  test(`${format}: a documented request to wait is obeyed`, async (t) => {
    const { send, mood, vendor } = await openSite(t, format);
    mood.now = 'busy';
    const fault = await faultOf(send(firing));
    assert.ok(fault instanceof TryLater);
    assert.deepEqual([fault.code, fault.afterMs], ['mail-unavailable', 35_000]);
    assert.deepEqual(vendor.seen, []);
  });

  test(`${format}: a second copy of a mail ${format === 'matrix' ? 'is dropped by the server' : 'arrives'}`, async (t) => {
    const { send, vendor } = await openSite(t, format);
    await send(firing);
    await send(firing);
    await send({ ...firing, messageId: '<another@example.org>' });
    assert.equal(vendor.seen.length, format === 'matrix' ? 2 : 3);
  });
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const charactersOf = (text: string): readonly string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

test('texts of any length and in any script are taken, cut between characters, and no text is markup', async (t) => {
  const sites = await Promise.all(formats.map((format) => openSite(t, format)));
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(clientText, fc.constantFrom(1, 3, 90), async (text, count) => {
      const [subject, value] = [text.repeat(4), text.repeat(3)];
      const alerts = Array.from({ length: count }, () => noticeAlert({ title: text, value }));
      const notice = noticeOf(alerts, { subject, messageId: `<${(sent += 1)}@example.org>` });
      const whole = `CRITICAL ${text}: ${value} (limit 95 %)`;
      const known = new Set(['\n', ...charactersOf(`${subject}\n\n${whole}\n${whole}\nand 0123456789 more…`)]);
      for (const { send, vendor } of sites) {
        await send(notice);
        const seen = vendor.seen.at(-1) ?? '';
        assert.deepEqual(
          charactersOf(seen).filter((one) => !known.has(one)),
          [],
        );
        const lines = seen.slice(seen.indexOf('\n\n') + 2).split('\n');
        const [, rest = null] = /^and (\d+) more$/.exec(lines.at(-1) ?? '') ?? [];
        assert.equal(rest === null ? lines.length : lines.length - 1 + Number(rest), count);
      }
    }),
    { numRuns: isLong ? 60 : isWide ? 20 : 8 },
  );
});

test('apprise: a KEY without services answers 204, which is no delivery', async (t) => {
  const vendor = { ...vendors.apprise(), url: (origin: string) => `${origin}/notify/other?tag=oncall` };
  const fault = await faultOf((await openSite(t, 'apprise', vendor)).send(firing));
  assert.equal(fault.code, 'mail-refused');
  assert.equal(fault.message, 'webhook chat: status 204: nothing is stored under this KEY');
});

test('pushover: a new critical alert is an emergency with a receipt; an event and a warning are none', async (t) => {
  const vendor = openPushover();
  const { send } = await openSite(t, 'pushover', vendor);
  const [receipt = '', ...others] = await send(firing);
  assert.deepEqual([vendor.receipts.has(receipt), others], [true, []]);
  assert.deepEqual(await send(noticeOf([noticeAlert()], { severity: 'warning' })), []);
  assert.deepEqual(await send(noticeOf([noticeAlert({ state: 'event' })], { state: 'event' })), []);
  assert.equal((await send(noticeOf([noticeAlert()], { state: 'reminder' }))).length, 1);
});

for (const [format, url] of [
  ['gotify', 'https://gotify.example.org/message?token=T0KEN-8f3c91'],
  ['telegram', 'https://api.telegram.org/botT0KEN-8f3c91/sendMessage?chat_id=1'],
  ['telegram', 'https://1:T0KEN-8f3c91@api.telegram.org/'],
  ['matrix', 'https://T0KEN-8f3c91@matrix.example.org/#room:example.org'],
  ['pushover', 'https://T0KEN-8f3c91@api.pushover.net'],
] as const) {
  test(`${format}: a URL without token or target is answered with the form that it needs: ${url}`, async () => {
    const channel = createWebhookChannel(webhookConfig(url, { format }));
    const fault = await faultOf(channel.send(outgoing(), sendOptions()));
    assert.equal(fault.stage, 'config');
    assert.match(fault.message, /^webhook chat: the URL in config\.xml is not of the form https:\/\/TOKEN@/);
    assert.ok(!inspect(fault, { depth: 9 }).includes('T0KEN-8f3c91'));
  });
}

test('telegram: a token with the bot of the path before it is the token', async (t) => {
  const receiver = await openReceiver(t);
  receiver.act(() => ({ status: 200, body: '{"ok":true}' }));
  const url = `${receiver.origin.replace('//', '//bot110201543:AAHdqTcvCH@')}/-1001234567890`;
  const webhook = webhookConfig(url, { format: 'telegram' });
  await createWebhookChannel(webhook).send(outgoing({ content: freezeWebhook(firing, webhook) }), sendOptions());
  assert.equal(receiver.received[0]?.path, '/bot110201543:AAHdqTcvCH/sendMessage');
});

test('gotify and matrix: the header of config.xml is enough instead of a token in the URL', async (t) => {
  const receiver = await openReceiver(t);
  receiver.act(() => ({ status: 200, body: '{"id":1,"event_id":"$1"}' }));
  for (const [format, value] of [
    ['gotify', 'X-Gotify-Key: T0KEN-1'],
    ['matrix', 'Authorization: Bearer T0KEN-1'],
  ] as const) {
    const header = new Secret({ kind: 'literal', value });
    const webhook = webhookConfig(`${receiver.origin}/!room:example.org`, { format, header });
    await createWebhookChannel(webhook).send(outgoing({ content: freezeWebhook(firing, webhook) }), sendOptions());
  }
  const [first, second] = receiver.received;
  assert.deepEqual([first?.headers['x-gotify-key'], second?.headers.authorization], ['T0KEN-1', 'Bearer T0KEN-1']);
});
