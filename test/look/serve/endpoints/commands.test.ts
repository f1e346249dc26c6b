// Second tier: waits for the commands of events.
/** Programs of config.xml that `serve` starts. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { StoredEvent } from '../../../../src/storage/store/event-store.ts';
import { configFolder } from '../../../support/programs/run-cli.ts';
import { until } from '../../../support/until.ts';
import { openEndpoint } from '../support/event-endpoints.ts';
import { ownCommand } from '../../../../src/look/serve/endpoints/own-command.ts';
import { EventCommand, type EventCommandOptions } from '../../../../src/look/serve/endpoints/event-command.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

function script(dir: string, name: string, text: string): string {
  const file = path.join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Makes a folder whose program appends events to a file, and answers 75 while the file `busy` is there. */
function takingFolder(t: TestContext) {
  const dir = configFolder(t, '<config></config>');
  const taken = path.join(dir, 'taken');
  const lines = (): readonly string[] => (existsSync(taken) ? readFileSync(taken, 'utf8').trim().split('\n') : []);
  const command = script(dir, 'take', `[ ! -e "${dir}/busy" ] || exit 75; exec cat >> "${taken}"`);
  const taking = async (count: number): Promise<void> =>
    until(
      () => lines().length === count,
      () => lines().join('\n'),
    );
  return { dir, lines, taking, parts: `<events udp="no" command="${command}"/>` };
}

const post = async (endpoint: Awaited<ReturnType<typeof openEndpoint>>, id: number): Promise<void> => {
  const event = { host: 'nas', service: 'backup', status: 'OK', description: 'x', value: id, id: `e${id}` };
  assert.equal((await endpoint.post(JSON.stringify(event))).status, 200);
};

test('a program gets each stored event once and in order, and 75 means later', async (t) => {
  const { dir, lines, taking, parts } = takingFolder(t);
  const first = await openEndpoint(t, { parts }, dir);
  for (const id of [1, 2, 3]) await post(first, id);
  await first.post('{"Hello": "World"}');
  await taking(4);
  const events = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    events.map(({ id, raw }) => raw ?? id),
    ['nas:e1', 'nas:e2', 'nas:e3', { Hello: 'World' }],
  );
  const { received_at: receivedAt, ...event } = events[0] ?? {};
  assert.match(String(receivedAt), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(event, {
    ...{ id: 'nas:e1', host: 'nas', service: 'backup', instance: '', status: 'OK' },
    ...{ description: 'x', tags: [], value: 1, ttl: null },
  });

  writeFileSync(path.join(dir, 'busy'), '');
  await post(first, 5);
  await until(() => first.log().includes('takes no events now'), first.log);
  assert.equal(await first.end(), 0);
  rmSync(path.join(dir, 'busy'));
  const second = await openEndpoint(t, { parts }, dir);
  await taking(5);
  assert.match(lines()[4] ?? '', /"id":"nas:e5"/);
  assert.equal(await second.end(), 0);
  assert.deepEqual(second.stored('COUNT(*), COUNT(processed_at)'), [[5, 5]]);
});

test('programs of somebody else join /ping and /status, and cannot break them', async (t) => {
  const dir = configFolder(t, '<config></config>');
  const ping = script(dir, 'ping', `[ ! -e "${dir}/ill" ] || { echo "the tape is full"; echo more; exit 2; }`);
  const status = script(dir, 'status', `cat "${dir}/facts"`);
  writeFileSync(path.join(dir, 'facts'), '{"tape": {"left": 3}, "name": "other"}');
  const parts = `<events udp="no"/><ping command="${ping}"/><status command="${status}"/>`;
  const well = await openEndpoint(t, { parts }, dir);
  const { message } = JSON.parse((await well.ask('/status')).body) as { readonly message: Record<string, unknown> };
  assert.deepEqual(
    { tape: message['tape'], name: message['name'], events_queue: message['events_queue'] },
    { tape: { left: 3 }, name: 'fleet-health', events_queue: 0 },
  );
  await well.end();
  writeFileSync(path.join(dir, 'facts'), '[1]');
  const broken = await openEndpoint(t, { parts }, dir);
  const still = JSON.parse((await broken.ask('/status')).body) as typeof message;
  assert.equal((still['message'] as typeof message)['name'], 'fleet-health');
  assert.match(broken.log(), /<status command>: it printed no JSON object/);
});

test('the answer of a program: its first line, its deadline, and one start for all who ask', async () => {
  const dir = tempFolder();
  const timeoutMs = 300;
  const { signal } = new AbortController();
  const faultOf = async (text: string): Promise<string | null> =>
    (await ownCommand({ command: script(dir, 'own', text), timeoutMs }, signal)()).fault;
  assert.equal(await faultOf('exit 0'), null);
  assert.equal(await faultOf('printf "the \\033[2J tape\\nmore\\n"; exit 2'), 'the \ufffd[2J tape');
  assert.equal(await faultOf('echo why >&2; exit 1'), 'why');
  assert.equal(await faultOf('exit 3'), 'exit status 3');
  assert.equal(await faultOf('exec sleep 30'), 'the command did not end within 0.3 s');
  const none = ownCommand({ command: path.join(dir, 'none'), timeoutMs }, signal);
  assert.match((await none()).fault ?? '', /cannot be started/);
  const ask = ownCommand({ command: script(dir, 'count', `echo x >> "${dir}/starts"`), timeoutMs: 60_000 }, signal);
  await Promise.all([ask(), ask(), ask()]);
  assert.equal(readFileSync(path.join(dir, 'starts'), 'utf8'), 'x\n');
});

test('a slow program is shared by all who ask while it runs, and ends with the server', async (t) => {
  const dir = tempFolder(t);
  const starts = path.join(dir, 'starts');
  const ended = new AbortController();
  const command = script(dir, 'slow', `echo x >> "${starts}"; exec sleep 60`);
  const ask = ownCommand({ command, timeoutMs: 60_000 }, ended.signal);
  const first = ask();
  const startedAtMs = performance.now();
  const clock = t.mock.method(performance, 'now', () => startedAtMs + 30_000);
  assert.equal(ask(), first);
  clock.mock.restore();
  await until(() => existsSync(starts), 'it does not start');
  ended.abort();
  assert.match((await first).fault ?? '', /aborted/);
});

test('an event that cannot be marked is not given again, and those behind it wait', async (t) => {
  const dir = tempFolder(t);
  const taken = path.join(dir, 'taken');
  const rows = [1, 2];
  let isFull = true;
  let fails = 0;
  const event: Omit<StoredEvent, 'rowId'> = {
    ...{ eventId: 'e', receivedAtMs: 0, host: 'nas', service: 'backup', instance: '', status: 'OK' },
    ...{ description: '', tags: [], value: null, ttl: null, raw: null },
  };
  const options: EventCommandOptions = {
    command: script(dir, 'take', `echo x >> "${taken}"; cat > /dev/null`),
    timeoutMs: 60_000,
    read: () => Promise.resolve(rows.map((rowId) => ({ ...event, rowId }))),
    mark: (rowId) => {
      if (isFull) fails += 1;
      else rows.splice(rows.indexOf(rowId), 1);
      return isFull ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    },
    onFault: () => undefined,
  };
  const handOver = new EventCommand(options);
  await until(() => fails === 1, 'it is not marked');
  handOver.wake();
  await until(() => fails === 2, 'it is not marked again');
  assert.equal(readFileSync(taken, 'utf8'), 'x\n');
  isFull = false;
  handOver.wake();
  await until(
    () => rows.length === 0,
    () => rows.join(),
  );
  assert.equal(readFileSync(taken, 'utf8'), 'x\nx\n');
  await handOver.close();
});

const unusable: readonly (readonly [string, Partial<StoredEvent>])[] = [
  ['JSON that is deeper than the stack', { raw: '['.repeat(100_000) + ']'.repeat(100_000) }],
  ['a row that is no JSON', { raw: '{' }],
  ['an empty row', { raw: '' }],
  ['a time that no calendar has', { receivedAtMs: 9e15 }],
  ['a time that is none', { receivedAtMs: Number.NaN }],
];

for (const [what, changed] of unusable) {
  test(`${what} is refused for good by <events command>, and the event behind it is given`, async (t) => {
    const dir = tempFolder(t);
    const taken = path.join(dir, 'taken');
    const event: StoredEvent = {
      ...{ eventId: 'bad', receivedAtMs: 0, host: 'nas', service: 'backup', instance: '', status: 'OK', rowId: 1 },
      ...{ description: '', tags: [], value: null, ttl: null, raw: null },
    };
    const rows: StoredEvent[] = [
      { ...event, ...changed },
      { ...event, eventId: 'good', rowId: 2 },
    ];
    const faults: string[] = [];
    const handOver = new EventCommand({
      command: script(dir, 'take', `cat >> "${taken}"`),
      timeoutMs: 60_000,
      read: () => Promise.resolve([...rows]),
      mark: (marked) =>
        Promise.resolve(
          void rows.splice(
            rows.findIndex(({ rowId }) => rowId === marked),
            1,
          ),
        ),
      onFault: (thrown) => faults.push(String(thrown)),
    });
    await until(() => rows.length === 0, 'an event waits');
    await handOver.close();
    assert.match(readFileSync(taken, 'utf8'), /^{"id":"good"[^\n]*\n$/);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /refused event bad: it cannot be written as JSON: /);
  });
}
