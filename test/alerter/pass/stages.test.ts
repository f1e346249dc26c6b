/** The fate of a pass: whatever one stored row or receiver says, every other recipient is told. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { isDatabaseAway } from '../../../src/notify/away-notices.ts';
import { tables } from '../../../src/storage/sql/tables.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { openReceiver, type ReceiverAnswer } from '../../support/servers/http-receiver.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { openPushover, openTelegram } from '../../support/servers/vendor-server.ts';
import { stationFor, type PassOutcome, type Station } from '../support/station.ts';

interface Told {
  readonly told: readonly string[];
  readonly beats: number;
  readonly faults: readonly string[];
  /** The faults that would be notified as an outage of the database, and the notifications that say so. */
  readonly aways: readonly string[];
}

interface Scene {
  readonly station: Station;
  /** Makes a pass. Returns who was told of web-2, the heartbeats, the faults, and who hears of the database. */
  readonly pass: () => Promise<Told & PassOutcome>;
}

/** Elements of config.xml: inside <alerts>, and beside it. */
interface Elements {
  readonly inside?: string;
  readonly beside?: string;
}

async function sceneFor(t: TestContext, { inside = '', beside = '' }: Elements = {}): Promise<Scene> {
  const http = await openReceiver(t);
  const elements = `<collector every="15m"/><heartbeat url="${http.origin}/beat"/>
    <alerts zone="UTC"><mail to="ops@example.org"/><mail to="kim@example.org" clients="web-1"/>
      <webhook name="chat" url="${http.origin}/chat" format="text"/>
      <alert type="disk" warning="85%" critical="95%"/><alert type="service"/>${inside}</alerts>${beside}
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
    const thrown = outcome.events.flatMap((event) => (event.kind === 'fault' ? event.fault : []));
    const aways = [
      ...thrown.filter(isDatabaseAway).map(({ message }) => message),
      ...said.flatMap(({ content }) => /database (?:away|.*can be used again)/i.exec(content)?.[0] ?? []),
    ];
    const beats = posted.filter((post) => post.path === '/beat').length;
    return { ...outcome, told: told.sort(), beats, faults: thrown.map(({ message }) => message), aways };
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
        const { told, faults, aways } = await pass().catch((thrown: unknown) => ({
          told: [],
          faults: [`ended: ${String(thrown)}`],
          aways: [],
        }));
        if (told.join(' ') !== '/chat ops@example.org' || aways.length > 0)
          missed.push(`${what}: ${told.join(' ')}: ${faults.join('; ')}: ${aways.join('; ')}`);
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

interface OddReceiver {
  readonly answer: ReceiverAnswer;
  /** The address, and the format. Default: those of Pushover. */
  readonly url?: (origin: string) => string;
  readonly format?: string;
  /** True if it has taken the notification. */
  readonly takes?: true;
}

const odd: Readonly<Record<string, OddReceiver>> = {
  'a receipt that it has given before': { answer: accepted('r000KAWXTswy4cekx6vZbHBKbCKk1c'), takes: true },
  'a receipt that is no text': { answer: accepted({ r: 1 }), takes: true },
  'a receipt that is too long': { answer: accepted('r'.repeat(65)), takes: true },
  'no receipt': { answer: accepted(undefined), takes: true },
  'no answer but a reset': { answer: reset },
  'a refusal': { answer: { status: 400, body: 'no' } },
  'a fault': { answer: { status: 500 } },
  'a page for an answer of Telegram': {
    answer: { status: 200, body: '<html>\0\ufffd' },
    ...{ format: 'telegram', url: openTelegram().url },
  },
  'null for an answer of Slack': {
    answer: { status: 200, body: 'null' },
    format: 'slack',
    url: (origin) => `${origin}/slack`,
  },
  'bytes that are no HTTP': {
    answer: (socket) => void socket.end(Buffer.from([0, 255, 13, 10, 27, 91])),
    ...{ format: 'text', url: (origin) => `${origin}/text` },
  },
  'a pause without end': {
    answer: { status: 429, headers: { 'retry-after': '9'.repeat(300) } },
    ...{ format: 'text', url: (origin) => `${origin}/text` },
  },
};

/**
 * Lets web-2 get full while a receiver fails of which this is the element. Returns the pass that tells of it, with who
 * hears of the database in all passes.
 */
async function passBeside(t: TestContext, elements: Elements): ReturnType<Scene['pass']> {
  const { station, pass } = await sceneFor(t, elements);
  station.at('07:45');
  await station.collect();
  const well = await pass();
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 96' });
  const first = await pass();
  station.at('08:15');
  await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 96' });
  const second = await pass();
  return { ...second, aways: [well, first, second].flatMap(({ aways }) => aways) };
}

const tried = Object.entries(odd).slice(0, isWide ? undefined : 1);
for (const [name, { answer, format = 'pushover', takes, url = openPushover().url }] of tried) {
  test(`a receiver with ${name} costs itself alone`, async (t) => {
    const receiver = await openReceiver(t);
    receiver.act((post) => (post.method === 'GET' ? reset : answer));
    const inside = `<webhook name="oncall" format="${format}" url="${url(receiver.origin)}"/>`;
    const { told, beats, result, faults, aways } = await passBeside(t, { inside });
    assert.deepEqual([told, aways], [['/chat', 'ops@example.org'], []]);
    assert.deepEqual([beats, result.exitStatus], takes === true ? [1, 0] : [0, 1]);
    assert.deepEqual(
      faults.filter((fault) => !/^webhook oncall: /.test(fault)),
      [],
    );
    assert.ok(receiver.received.length > 0);
  });
}

test('a command that prints odd bytes and fails costs itself alone', { skip: skipUnlessWide }, async (t) => {
  const command = path.join(tempFolder(t), 'page');
  writeFileSync(command, "#!/bin/sh\nprintf '\\377\\0\\033[2J\\n' | tee /dev/stderr >$0.ran\nexit 75\n", {
    mode: 0o700,
  });
  const { told, beats, result, faults, aways } = await passBeside(t, { beside: `<notify command="${command}"/>` });
  assert.deepEqual([told, aways], [['/chat', 'ops@example.org'], []]);
  assert.deepEqual([beats, result.exitStatus], [0, 1]);
  const others = faults.filter((fault) => !fault.includes(command));
  assert.deepEqual([existsSync(`${command}.ran`), others], [true, []]);
});
