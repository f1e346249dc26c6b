import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { FleetError } from '../../../../src/platform/errors/errors.ts';
import { NothingStored } from '../../../../src/look/serve/fleet-reader.ts';
import { pingRoute } from '../../../../src/look/serve/endpoints/ping-route.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { serveFolder, servedFleet } from '../support/served-fleet.ts';

// Their newest run ended an hour ago.
for (const [every, expected] of [
  ['1h', [200, 'OK\n']],
  ['15m', [500, 'No run of the collector has finished for 60 minutes.\n']],
] as const) {
  test(`a collector that runs every ${every} and has finished an hour ago`, async (t) => {
    const { ask } = await servedFleet(t, { attributes: 'auth="always"', elements: `<collector every="${every}"/>` });
    const { status, body } = await ask('/ping');
    assert.deepEqual([status, body.replace(/for \d\d minutes/, 'for 60 minutes')], expected);
  });
}

test('a server of events alone is well before its first event, and after it', async (t) => {
  const dir = tempFolder(t);
  const elements = '<alerts mail="ops@example.org"/><smtp host="localhost" from="a@example.org"/>';
  writeFileSync(path.join(dir, 'config.xml'), `<config>${elements}</config>`, { mode: 0o600 });
  const { ask } = await serveFolder(t, dir, { parts: '<events/>' });
  const { status, body } = await ask('/ping');
  assert.deepEqual([status, body], [200, 'OK\n']);
});

const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'db-7 as fleet: refused' });
for (const { what, thrown, said, logged } of [
  { what: 'a database that is away', thrown: away, said: 'The database does not answer.\n', logged: 0 },
  {
    what: 'a database without a run',
    thrown: new NothingStored(),
    said: 'No run of the collector has finished yet.\n',
    logged: 0,
  },
  {
    what: 'a fault of the program',
    thrown: new TypeError('x is y'),
    said: 'The log of the server says why it does not work.\n',
    logged: 1,
  },
] as const) {
  test(`${what} is reported without its words, and is asked once for all who ask at a time`, async () => {
    let [reads, faults] = [0, 0];
    const reader = { hasClients: true, read: () => ((reads += 1), Promise.reject(thrown)) };
    const route = pingRoute({ reader, onFault: () => (faults += 1), own: null });
    const incoming = new IncomingMessage(new Socket());
    const asked = { incoming, outgoing: new ServerResponse(incoming), parts: {}, query: new URLSearchParams() };
    const answers = await Promise.all([1, 2, 3].map(async () => route.answer(asked)));
    assert.deepEqual(
      answers.map((answer) => [answer?.status, answer?.body]),
      [1, 2, 3].map(() => [500, said]),
    );
    assert.deepEqual([reads, faults], [1, logged]);
  });
}
