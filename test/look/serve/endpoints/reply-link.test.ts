/** Links of mails: what a scanner, a person and a stranger can do with them. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';

import { replyRoute } from '../../../../src/look/serve/endpoints/reply-route.ts';
import type { Visitor } from '../../../../src/look/serve/visitor.ts';
import { type AlertFolder, alertFolder, ended, firing } from '../../../cli/support/stored-alerts.ts';
import { tokenDigest } from '../../../../src/storage/alerts/reply-tokens.ts';
import { mail, stored } from '../../../storage/support/alert-samples.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';
import { type Answer, serveFolder, type Served } from '../support/served-fleet.ts';

const attributes = 'url="http://localhost:5151/"';
const config =
  '<config><replies links="yes"/><client name="web-1" ip="192.0.2.1"/>' +
  `<serve ${attributes}><look/></serve></config>`;
const [token, old, over, receipt, long] = ['a', 'b', 'c', 'd', '1'].map((digit) => digit.repeat(24)) as [
  string,
  string,
  string,
  string,
  string,
];
/** The alerts of the long mail: more have ended than a page lists, and the newest ones fire. */
const longMail = Array.from({ length: 203 }, (_, index) => ({ client: 'web-2', subject: `/mnt/${index}` }));

/** Makes a folder whose first mail tells a firing alert and one that has ended, and serves it. */
async function servedMails(t: TestContext): Promise<AlertFolder & Pick<Served, 'ask' | 'log'>> {
  const one = (id: number, replyToken: string, recipient = 'ops@example.org') =>
    mail({ messageId: `<${id}@example.org>`, recipient, replyToken, notifications: [stored({ alertId: id })] });
  const both = [1, 2].map((alertId) => stored({ alertId }));
  const folder = await alertFolder(t, {
    config,
    alerts: [
      ...[firing(), ended({ rule: 'memory', subject: '' }), firing({ subject: '/old', sequence: 2 })],
      ...longMail.map((one, index) => (index < 201 ? ended(one) : firing(one))),
    ],
    plan: {
      mails: [
        { ...one(1, token), notifications: both },
        one(2, old),
        one(3, over),
        one(1, receipt, 'webhook:push'),
        { ...one(4, long), notifications: longMail.map((_, index) => stored({ alertId: 4 + index })) },
      ].map((each, index) => ({ ...each, messageId: `<${index}@example.org>` })),
    },
  });
  const { ask, log } = await serveFolder(t, folder.dir, { attributes });
  return { ...folder, ask, log };
}

const press = (served: Pick<Served, 'ask'>, of: string, body: string): Promise<Answer> =>
  served.ask(`/reply/${of}`, { method: 'POST', headers: { 'Content-Length': String(body.length) }, body });

const acknowledged = async (folder: AlertFolder): Promise<readonly string[]> =>
  (await folder.alerts()).flatMap(({ id, acknowledged: by }) =>
    by === null ? [] : [`${id} ${by.by} ${by.until === null ? 'open' : 'until'} ${by.comment}`],
  );

describe('the link of a mail', () => {
  let served: Awaited<ReturnType<typeof servedMails>>;
  const closing: (() => unknown)[] = [];
  before(async () => {
    served = await servedMails({ after: (end: () => unknown) => closing.push(end) } as unknown as TestContext);
  });
  after(async () => {
    for (const end of closing.reverse()) await end();
  });

  test('shows what fires, without a program, to whoever has it, and changes nothing', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await served.ask(`/reply/${token}`, { method });
      assert.deepEqual([status, headers['cache-control']], [200, 'no-store'], method);
      assert.equal(headers['referrer-policy'], 'no-referrer');
    }
    const { body } = await served.ask(`/reply/${token}`);
    assert.match(body, /1 alert of this mail fires/);
    assert.match(body, />web-1<[^]*disk \/var/);
    assert.doesNotMatch(body, /<script/);
    assert.deepEqual(await acknowledged(served), []);
  });

  test('of a long mail shows each alert that its button would acknowledge', async () => {
    const { body } = await served.ask(`/reply/${long}`);
    assert.match(body, /2 alerts of this mail fire/);
    for (const subject of ['/mnt/201', '/mnt/202']) assert.ok(body.includes(subject), subject);
  });

  test('needs no login for its style, and gives nothing else away', async () => {
    const auth = { 'x-forwarded-for': '192.0.2.9' };
    const { body } = await served.ask(`/reply/${token}`, { headers: auth });
    const style = /href="(\/assets\/[^"]+)"/.exec(body)?.[1] ?? '';
    assert.equal((await served.ask(style, { headers: auth })).status, 200);
    assert.equal((await served.ask('/alerts/1', { headers: auth })).status, 401);
  });

  for (const [method, status] of [
    ['PUT', 405],
    ['DELETE', 405],
    ['OPTIONS', 405],
    ['PATCH', 405],
  ] as const) {
    test(`${method} is refused`, async () => {
      const { headers, ...answer } = await served.ask(`/reply/${token}`, { method });
      assert.deepEqual([answer.status, headers.allow], [status, 'GET, HEAD, POST']);
    });
  }

  const refused: readonly (readonly [name: string, of: string, body: string, status: number, says: RegExp])[] = [
    ['without an answer', token, '', 400, /This form has no answer/],
    ['that silences', token, 'line=silence+1d', 400, /This form has no answer/],
    ['of other words', token, 'line=ack+now', 400, /This form has no answer/],
    ['of too many bytes', token, `line=ack&more=${'x'.repeat(1024)}`, 413, /at most 1024 bytes/],
    ['to a mail that told a milder alert', over, 'line=ack', 200, /Nothing of this mail fires any more/],
    ['to a mail whose alert has ended', old, 'line=ack', 200, /Nothing of this mail fires any more/],
    ['to a receipt of a webhook', receipt, 'line=ack', 404, /There is no mail with this link/],
    ['to a token that no mail has', 'e'.repeat(24), 'line=ack', 404, /There is no mail with this link/],
    ['to no token', `${token}0`, 'line=ack', 404, /There is no mail with this link/],
  ];
  for (const [name, of, body, status, says] of refused) {
    test(`an answer ${name} acknowledges nothing`, async () => {
      const answer = await press(served, of, body);
      assert.equal(answer.status, status);
      assert.match(answer.body, says);
      assert.deepEqual(await acknowledged(served), []);
    });
  }

  test('an answer without a Content-Length is refused', async () => {
    const headers = { 'Transfer-Encoding': 'chunked' };
    const { status, body } = await served.ask(`/reply/${token}`, { method: 'POST', headers, body: 'line=ack' });
    assert.deepEqual([status, body], [411, 'A form needs a Content-Length.\n']);
    assert.deepEqual(await acknowledged(served), []);
  });

  test('acknowledges what fires in its mail at the press of its button, as a reply does', async () => {
    const first = await press(served, token, 'line=ack+4h');
    assert.equal(first.status, 200);
    assert.match(first.body, /Acknowledged\.[^]*acknowledged by ops@example\.org until/);
    assert.deepEqual(await acknowledged(served), ['1 ops@example.org until by link "ack 4h"']);
    await press(served, token, 'line=ack');
    assert.deepEqual(await acknowledged(served), ['1 ops@example.org open by link "ack"']);
    assert.match(served.log(), /event=acknowledged by=ops@example\.org answer="ack 4h" alerts=1/);
  });

  test('is over after 14 days', async () => {
    const database = openBeside(`${served.dir}/state/fleet.db`);
    database.exec(
      `UPDATE mails SET created_at = '2020-01-01 00:00:00.000' WHERE reply_token = '${tokenDigest(token)}'`,
    );
    database.close();
    for (const { status, body } of [await served.ask(`/reply/${token}`), await press(served, token, 'line=ack')]) {
      assert.equal(status, 410);
      assert.match(body, /older than 14 days/);
    }
  });

  test('is limited: a wrong token costs its address twenty requests', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.77' };
    const statuses: number[] = [];
    for (let guess = 0; guess < 16; guess += 1)
      statuses.push((await served.ask(`/reply/${'f'.repeat(24)}`, { headers, localAddress: '127.0.0.77' })).status);
    assert.deepEqual([statuses[0], statuses.at(-1)], [404, 429]);
    assert.match(served.log(), /token-refused address=127\.0\.0\.77/);
  });
});

test('without links="yes" there is no page, and without TLS nobody beyond this machine has one', async (t) => {
  const { dir } = await alertFolder(t, { config: config.replace('<replies links="yes"/>', '') });
  const { ask } = await serveFolder(t, dir, { attributes });
  assert.equal((await ask(`/reply/${token}`)).status, 404);
  assert.equal((await ask(`/reply/${token}`, { method: 'POST' })).status, 405);
  const visitor: Visitor = { address: '192.0.2.9', isLocal: false, isProxied: false, user: null, isPrivate: false };
  const nobody = (): never => assert.fail('the database was asked');
  const route = replyRoute({
    look: { reader: { read: nobody } as never, onFault: nobody, zone: () => null, prefix: '' },
    ...{ database: { answer: nobody }, visitorOf: () => visitor, onAcknowledged: nobody },
  });
  const asked = {
    incoming: { method: 'POST' } as IncomingMessage,
    outgoing: {} as never,
    query: new URLSearchParams(),
  };
  const answer = await route.answer({ ...asked, parts: { token } });
  assert.equal(answer?.status, 403);
});
