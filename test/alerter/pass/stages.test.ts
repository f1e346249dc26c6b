/** The fate of a pass: whatever one stored row or receiver says, every other recipient is told. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { tables } from '../../../src/storage/sql/tables.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { openReceiver, type ReceiverAnswer } from '../../support/http-receiver.ts';
import { isWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { openPushover } from '../../support/vendor-server.ts';
import { stationFor, type PassOutcome, type Station } from '../support/station.ts';

interface Scene {
  readonly station: Station;
  /** Makes a pass. Returns who was told of web-2, the heartbeats, and the faults. */
  readonly pass: () => Promise<{ told: readonly string[]; beats: number; faults: readonly string[] } & PassOutcome>;
}

async function sceneFor(t: TestContext, more = ''): Promise<Scene> {
  const http = await openReceiver(t);
  const elements = `<collector every="15m"/><heartbeat url="${http.origin}/beat"/>
    <alerts zone="UTC"><mail to="ops@example.org"/><mail to="kim@example.org" clients="web-1"/>
      <webhook name="chat" url="${http.origin}/chat" format="text"/>
      <alert type="disk" warning="85%" critical="95%"/><alert type="service"/>${more}</alerts>
    <client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>`;
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const station = await stationFor(t, { storage, elements });
  const pass: Scene['pass'] = async () => {
    const [mails, posts] = [station.server.mails.length, http.received.length];
    const outcome = await station.pass();
    const posted = http.received.slice(posts);
    const said = [
      ...station.server.mails.slice(mails).map(({ to, content }) => ({ to, content })),
      ...posted.map((post) => ({ to: post.path, content: post.body })),
    ];
    const told = said.flatMap(({ to, content }) => (/web-2/.test(content) ? [to] : []));
    const faults = outcome.events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
    return { ...outcome, told: told.sort(), beats: posted.filter((post) => post.path === '/beat').length, faults };
  };
  return { station, pass };
}

/** Values that no version of the program writes. */
const foreign = isWide
  ? ['', '{', 'null', '[]', '{"a":1}', '7', '\ufffd'.repeat(3000), '9999-12-31 23:59:59.999', -1, 1e15, null]
  : ['{', '{"a":1}', null];

/** Returns the columns of a table. */
async function columnsOf({ database }: Station, table: string): Promise<readonly string[]> {
  const rows = await database.read((session) => session.all(`SELECT name FROM pragma_table_info('${table}')`));
  return rows.map(({ name }) => String(name));
}

/** The columns of the first tier: JSON, times, and words with a meaning. */
const chosen = /^(alerts|rule_state|mails|last_notified|silences)\.(progress|cause|state|severity|content|ends_at)$/;

test('whatever one stored row says, everybody else is told', async (t) => {
  const { station, pass } = await sceneFor(t);
  station.at('07:45');
  await station.collect();
  await pass();
  const silence = { rule: '*', subject: '*', startsAtMs: station.nowMs(), endsAtMs: station.nowMs() + 86_400_000 };
  await station.storage.operator.addSilence({ ...silence, client: 'web-3', author: 'kim', comment: '' });
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 96, unit a.service\nit broke' });
  station.act(({ phase, line }) => (phase === 'rcpt' && line.includes('kim') ? '451 4.7.1 later' : undefined));
  await pass();
  station.act(() => undefined);
  station.at('08:15');
  await station.collect({ 'web-1': 'disk / 97, unit a.service', 'web-2': 'disk / 96' });
  const { restore } = await station.snapshot();
  const missed: string[] = [];
  for (const { name: table } of tables) {
    for (const column of await columnsOf(station, table)) {
      // A silence of everybody is one.
      if (/^silences\.(client|rule|subject)$/.test(`${table}.${column}`)) continue;
      if (!isWide && !chosen.test(`${table}.${column}`)) continue;
      for (const value of foreign) {
        await restore();
        const what = `${table}.${column} = ${JSON.stringify(value).slice(0, 30)}`;
        const row = `SELECT rowid FROM ${table} WHERE ${await ofWeb1(station, table)} ORDER BY rowid DESC LIMIT 1`;
        const sql = `UPDATE ${table} SET ${column} = ? WHERE rowid = (${row})`;
        const changed = await station.database.write((session) => session.run(sql, [value])).catch(() => 0);
        if (changed !== 1) continue;
        const { told, faults } = await pass().catch((thrown: unknown) => ({
          told: [],
          faults: [`ended: ${String(thrown)}`],
        }));
        if (told.join(' ') !== '/chat ops@example.org') missed.push(`${what}: ${told.join(' ')}: ${faults.join('; ')}`);
      }
    }
  }
  assert.deepEqual(missed, []);
});

/** Returns the condition for rows that concern no other client. */
async function ofWeb1(station: Station, table: string): Promise<string> {
  const columns = await columnsOf(station, table);
  if (columns.includes('client')) return "client <> 'web-2'";
  // The alerts of a run that has not ended are held back.
  if (table === 'runs') return 'started_at < (SELECT MAX(started_at) FROM runs)';
  if (table === 'mails') return "recipient = 'kim@example.org'";
  if (columns.includes('stat_id')) return "stat_id IN (SELECT id FROM stats WHERE client = 'web-1')";
  return '1 = 1';
}

const accepted = (receipt: unknown): ReceiverAnswer => ({
  status: 200,
  body: JSON.stringify({ status: 1, request: 'e460545a8b', receipt }),
});
const reset: ReceiverAnswer = (socket) => void socket.resetAndDestroy();
const answers: Readonly<Record<string, ReceiverAnswer>> = {
  'a receipt that it has given before': accepted('r000KAWXTswy4cekx6vZbHBKbCKk1c'),
  'a receipt that is no text': accepted({ r: 1 }),
  'a receipt that is too long': accepted('r'.repeat(65)),
  'no receipt': accepted(undefined),
  'no answer but a reset': reset,
  'a refusal': { status: 400, body: 'no' },
  'a fault': { status: 500 },
};

for (const [name, answer] of Object.entries(answers).slice(0, isWide ? undefined : 1)) {
  test(`a receiver with ${name} costs itself alone`, async (t) => {
    const receiver = await openReceiver(t);
    receiver.act((post) => (post.method === 'GET' ? reset : answer));
    const url = openPushover().url(receiver.origin);
    const { station, pass } = await sceneFor(t, `<webhook name="oncall" format="pushover" url="${url}"/>`);
    station.at('07:45');
    await station.collect();
    await pass();
    station.at('08:00');
    await station.collect({ 'web-1': 'disk / 96' });
    await pass();
    station.at('08:15');
    await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 96' });
    const { told, beats, result, faults } = await pass();
    assert.deepEqual(told, ['/chat', 'ops@example.org']);
    const isTaken = name.startsWith('a receipt') || name === 'no receipt';
    assert.deepEqual(
      { beats, exitStatus: result.exitStatus },
      isTaken ? { beats: 1, exitStatus: 0 } : { beats: 0, exitStatus: 1 },
    );
    assert.ok(
      faults.every((fault) => /^webhook oncall: /.test(fault)),
      faults.join(),
    );
  });
}
