/** Files that a site puts over HTTP. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openReceiver } from '../../../../src/collector/receive/receiver.ts';
import { postSigned } from '../../../../src/platform/signed-post.ts';
import { pathInInbox, pushPath, senderOfSite, type SignedPath } from '../../../../src/report/seal/push.ts';
import { idFrom } from '../../../../src/state-folder/collector-id.ts';
import { statePaths } from '../../../../src/state-folder/paths.ts';
import { newPushKey, writePushKeys } from '../../../../src/state-folder/push-keys.ts';
import { makeClient, makeConfig, makeFleet } from '../../../support/fleets/fleet.ts';
import { startPushServer } from '../../../support/fleets/push-server.ts';

const site = senderOfSite('fra');
const report = (text: string): string => `${idFrom(text)}.1795000000000.-.-.-.fhs`;

/** Starts the endpoint of a collector with a client of the site `fra`, and with a client that pushes. */
async function endpoint(t: TestContext, spoolBytes = 2 ** 30) {
  const { stateDir } = makeFleet();
  const clients = [
    makeClient('web-1', { arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } }),
    makeClient('laptop', { arrival: { kind: 'comes', everyMs: 300_000 } }),
  ];
  const config = makeConfig(stateDir, clients, { spoolBytes });
  await openReceiver(config, Date.now());
  const keys = [site, 'laptop'].map((name) => newPushKey(name, Date.now()));
  writePushKeys(statePaths(stateDir).pushKeys, keys);
  const refusals: string[] = [];
  const { url } = await startPushServer(t, {
    settings: () => config,
    onRefused: ({ client, status, reason }) => refusals.push(`${client} ${status} ${reason}`),
  });
  const send = async (signed: SignedPath, body: string, client = site, to: SignedPath = signed) => {
    const key = Buffer.from(keys.find((one) => one.client === client)?.key ?? '', 'base64url');
    const { signal } = new AbortController();
    const own = { client, key, body: Buffer.from(body), signal, maxAnswerBytes: 1000, agent: false } as const;
    const { status, isSigned } = await postSigned({ ...own, url: new URL(`${url}${to}`), path: signed });
    return { status, isSigned };
  };
  const folder = path.join(statePaths(stateDir).inbox, 'site-fra');
  return { send, refusals, filesOf: (name: string) => readdirSync(path.join(folder, name)) };
}

test('a file is in the inbox of its site before the answer, and an empty one is a trial', async (t) => {
  const { send, filesOf, refusals } = await endpoint(t);
  const document = `${'1'.padStart(15, '0')}-${idFrom('d')}.json`;
  for (const [folder, name] of [
    ['web-1', report('r')],
    ['collector', document],
  ] as const) {
    const answer = await send(pathInInbox(folder, name), '{"not":"looked at"}');
    assert.deepEqual([answer, filesOf(folder)], [{ status: 200, isSigned: true }, [name]]);
  }
  assert.deepEqual(await send(pathInInbox('collector', 'trial.json'), ''), { status: 200, isSigned: true });
  assert.deepEqual([filesOf('collector'), refusals], [[document], []]);
});

test('who puts no file of a site is refused, and the log says why', async (t) => {
  const { send, refusals } = await endpoint(t);
  const file = pathInInbox('web-1', report('r'));
  const cases: readonly (readonly [number, string, ReturnType<typeof send>])[] = [
    [401, '!fra 401 the MAC is wrong', send(file, 'x', site, pathInInbox('web-1', report('other')))],
    [401, 'laptop 401 it is no site', send(file, 'x', 'laptop')],
    [403, '!fra 403 config.xml does not give "laptop" to it', send(pathInInbox('laptop', report('r')), 'x')],
    [403, '!fra 403 "passwd" is the name of no report', send(pathInInbox('../../etc', 'passwd'), 'x')],
    [426, '!fra 426 Upgrade Fleet Health at this site', send(pushPath, 'the stream of an earlier version')],
  ];
  for (const [status, line, sent] of cases) {
    assert.deepEqual(await sent, { status, isSigned: false }, line);
    assert.ok(
      refusals.some((one) => one.startsWith(line)),
      `${line}: ${refusals.join('\n')}`,
    );
  }
});

test('a site whose part of the disk is full is told so, and nothing of the path', async (t) => {
  const { send, refusals } = await endpoint(t, 4096);
  assert.equal((await send(pathInInbox('web-1', report('a')), 'x')).status, 200);
  assert.equal((await send(pathInInbox('web-1', report('b')), 'y')).status, 507);
  assert.match(refusals[0] ?? '', /^!fra 507 .*the limit of <collector spool>/);
});
