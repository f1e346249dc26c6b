// Second tier: two alerters beside each other, many times.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import type { StorageConfig } from '../../src/config/config.ts';
import { passToCutOff } from '../alerter/support/pass-to-cut-off.ts';
import { idOf, openStation, type Station } from '../alerter/support/station.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import type { AlertOrder } from '../support/programs/alert-process.ts';
import { skipWithoutMariadb, startMariadb, type Mariadb } from '../support/databases/mariadb.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { storageArgument } from '../support/databases/storage-argument.ts';
import { tempFolder } from '../support/temp-folder.ts';

const program = path.join(import.meta.dirname, '../support/programs/alert-process.ts');

/** Real processes and the database's own clock. Stored times are moved into the past instead of waiting. */
class Alerters {
  readonly #station: Station;
  readonly #storage: StorageConfig;
  readonly #children = new Set<ChildProcess>();

  constructor(station: Station, storage: StorageConfig) {
    this.#station = station;
    this.#storage = storage;
  }

  start(host: string, cut: AlertOrder['cut'] = null): Alerter {
    const configFile = this.#station.configFile(host);
    const order: AlertOrder = { configFile, ...storageArgument(this.#storage), host, cut };
    const child = spawn(process.execPath, [...programArgs(program), JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    let said = '';
    const ended = once(child, 'close').then(() => said.trim().split('\n').at(-1) ?? '');
    const isCut = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('cut\n')) resolve();
      });
      void ended.then(() => reject(new Error(`never cut: ${said}`)));
    });
    isCut.catch(() => undefined);
    return { ended, isCut, wake: () => void child.kill('SIGCONT') };
  }

  /** Makes the lease older than a minute. With `claims` it also makes the claims run out. */
  async letTimePass({ claims }: { readonly claims: boolean }): Promise<void> {
    await this.#station.database.write(async (session) => {
      await session.run("UPDATE leases SET touched_at = '2020-01-01 00:00:00.000'");
      if (claims) await session.run("UPDATE mails SET claimed_until = '2020-01-01 00:00:00.000' WHERE sent_at IS NULL");
    });
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

interface Alerter {
  /** Resolves with the last line of the program's output. */
  readonly ended: Promise<string>;
  readonly isCut: Promise<void>;
  readonly wake: () => void;
}

async function withAlerters(
  storage: StorageConfig,
  work: (alerters: Alerters, notified: () => readonly string[]) => Promise<void>,
): Promise<void> {
  const station = await openStation({ storage, elements: passToCutOff.elements });
  const alerters = new Alerters(station, storage);
  try {
    await passToCutOff.prepare(station, Date.now());
    const from = station.server.mails.length;
    await work(alerters, () => station.server.mails.slice(from).map(({ content, to }) => `${to} ${idOf(content)}`));
    const [one = '', other = '', ...rest] = station.server.mails.slice(from).map(({ content }) => content);
    assert.deepEqual(rest, []);
    const text = [one, other].map(
      (content) => `${/^To: (.*)\r$/m.exec(content)?.[1] ?? ''} ${/^Subject: (.*)\r$/m.exec(content)?.[1] ?? ''}`,
    );
    assert.deepEqual(text.map((line) => line.split('@')[0]).sort(), ['oncall', 'ops']);
    for (const line of text) assert.match(line, /web-1/);
  } finally {
    alerters.stop();
    await station.close();
  }
}

const moments = {
  evaluation: { kind: 'write', sql: 'INSERT INTO rule_state' },
  'before evaluation is stored': { kind: 'commit', sql: 'INSERT INTO rule_state' },
  notification: { kind: 'write', sql: 'INSERT INTO last_notified' },
  'before notification is stored': { kind: 'commit', sql: 'INSERT INTO last_notified' },
  'after notification is stored': { kind: 'committed', sql: 'INSERT INTO last_notified' },
  'before a claim is stored': { kind: 'commit', sql: 'UPDATE mails SET claimed_by' },
  'after a claim is stored': { kind: 'committed', sql: 'UPDATE mails SET claimed_by' },
} as const;

describe('an alerter that is killed', { concurrency: 2 }, () => {
  const dir = tempFolder();
  for (const [name, cut] of Object.entries(moments)) {
    test(`${name}: the next one tells all, once`, async () => {
      const storage = sqliteConfig(path.join(dir, `${name.replaceAll(' ', '-')}.db`));
      await withAlerters(storage, async (alerters) => {
        const killed = alerters.start('mon-1', { ...cut, signal: 'SIGKILL' });
        await killed.isCut;
        await killed.ended;
        await alerters.letTimePass({ claims: true });
        assert.match(await alerters.start('mon-1').ended, /"finished"/);
        assert.match(await alerters.start('mon-1').ended, /"sent":0/);
      });
    });
  }

  for (const { title, keepsSent, mails } of [
    { title: 'before the sent mark: the mail comes once', keepsSent: true, mails: 2 },
    {
      title: 'before the sent mark and without the file sent: it comes twice, and is the same',
      keepsSent: false,
      mails: 3,
    },
  ]) {
    test(title, async () => {
      const storage = sqliteConfig(path.join(dir, `mark-${mails}.db`));
      const station = await openStation({ storage, elements: passToCutOff.elements });
      const alerters = new Alerters(station, storage);
      try {
        await passToCutOff.prepare(station, Date.now());
        const from = station.server.mails.length;
        const killed = alerters.start('mon-1', { kind: 'write', sql: 'UPDATE mails SET sent_at', signal: 'SIGKILL' });
        await killed.isCut;
        await killed.ended;
        if (!keepsSent) rmSync(path.join(path.dirname(station.configFile('mon-1')), 'state', 'sent'));
        await alerters.letTimePass({ claims: true });
        assert.match(await alerters.start('mon-1').ended, new RegExp(`"sent":${mails - 1}`));
        const contents = station.server.mails.slice(from).map(({ content }) => content);
        assert.equal(contents.length, mails);
        if (!keepsSent) assert.equal(contents.at(-1), contents[0]);
        assert.equal(new Set(contents.map(idOf)).size, 2);
      } finally {
        alerters.stop();
        await station.close();
      }
    });
  }
});

describe('two alerters on two machines', { skip: skipWithoutMariadb, concurrency: 7 }, () => {
  let mariadb: Mariadb | null = null;
  before(async () => {
    mariadb = await startMariadb(['--innodb-flush-log-at-trx-commit=0']);
  });
  after(async () => mariadb?.stop());
  const withTwo = async (work: Parameters<typeof withAlerters>[1]): Promise<void> => {
    if (mariadb === null) throw new Error('MariaDB is not running');
    const { storage } = await mariadb.createDatabase();
    await withAlerters(storage, work);
  };

  for (const name of [
    'evaluation',
    'before evaluation is stored',
    'notification',
    'before notification is stored',
  ] as const) {
    // The last case waits as long as the product does, which takes half a minute.
    const waiting = name === 'before notification is stored' ? {} : { waitSeconds: 3 };
    test(`one is suspended in its transaction (${name}): the other goes on once it was cut off`, async () => {
      await withTwo(async (alerters) => {
        const suspended = alerters.start('mon-1', { ...moments[name], signal: 'SIGSTOP', ...waiting });
        await suspended.isCut;
        await alerters.letTimePass({ claims: true });
        assert.match(await alerters.start('mon-2').ended, /"finished","sent":2/);
        suspended.wake();
        assert.match(await suspended.ended, /"overlapped","sent":0/);
      });
    });
  }

  test('one is suspended while it sends, and the other leaves it the mail that it has claimed', async () => {
    await withTwo(async (alerters, notified) => {
      const suspended = alerters.start('mon-1', { kind: 'write', sql: 'UPDATE mails SET data_at', signal: 'SIGSTOP' });
      await suspended.isCut;
      // The suspended statement holds nothing yet, but its transaction has begun.
      await alerters.letTimePass({ claims: false });
      assert.match(await alerters.start('mon-2').ended, /"finished","sent":1/);
      assert.equal(notified().length, 1);
      suspended.wake();
      await suspended.ended;
      assert.equal(notified().length, 2);
    });
  });

  test('one is suspended while it sends, until its claim has run out: the other sends, and it does not', async () => {
    await withTwo(async (alerters, notified) => {
      const suspended = alerters.start('mon-1', { kind: 'write', sql: 'UPDATE mails SET data_at', signal: 'SIGSTOP' });
      await suspended.isCut;
      await alerters.letTimePass({ claims: true });
      assert.match(await alerters.start('mon-2').ended, /"finished","sent":2/);
      suspended.wake();
      assert.match(await suspended.ended, /"sent":0/);
      assert.equal(notified().length, 2);
    });
  });

  test('both begin at once: each mail goes once', async () => {
    await withTwo(async (alerters) => {
      const ends = await Promise.all(['mon-1', 'mon-2', 'mon-3'].map((host) => alerters.start(host).ended));
      assert.equal(ends.filter((end) => end.includes('"finished","sent":2')).length, 1, ends.join(' '));
    });
  });
});
