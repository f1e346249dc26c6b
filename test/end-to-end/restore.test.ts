// Second tier: restores whole databases.
/** A new machine takes over from the files that docs/operations.md says to save. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import {
  skipWithoutMariadb,
  sharedMariadb,
  type SharedMariadb,
  type MariadbDatabase,
} from '../support/databases/mariadb.ts';
import { program, runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { sshKeygen, sshdMissing, startSshd, type Sshd } from '../support/ssh/sshd.ts';

const document = readFileSync(path.join(packageDir, 'docs', 'operations.md'), 'utf8');

/** Returns the commands of a section, one array for each block. */
function commandsOf(heading: string): readonly (readonly string[])[] {
  const section = document.split(/^## /m).find((text) => text.startsWith(heading)) ?? assert.fail(heading);
  const linesOf = (block: string): string[] => Array.from(block.matchAll(/^ {4}(.*)$/gm), ([line]) => line.trim());
  return Array.from(section.matchAll(/(?:^ {4}.*\n)+/gm), ([block]) => linesOf(block));
}

interface Machine {
  readonly config: string;
  readonly state: string;
}

interface Drill {
  readonly place: string;
  readonly backup: string;
  readonly keysBackup: string;
  /** `null` for SQLite. */
  readonly database: MariadbDatabase | null;
}

const machineIn = (place: string, name: string): Machine => ({
  config: path.join(place, name, 'etc'),
  state: path.join(place, name, 'var'),
});

const run = (on: Machine, ...args: readonly string[]): Promise<CliResult> =>
  runBuilt(['-c', path.join(on.config, 'config.xml'), ...args]);

/** Asserts that others can read no file of the backup, and that keys are in the backup of the keys alone. */
function assertSecretBackup({ backup, keysBackup }: Drill): void {
  for (const folder of [backup, keysBackup]) {
    for (const name of readdirSync(folder)) {
      assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600, `${name} can be read by others`);
    }
  }
  const members = (file: string): string => execFileSync('tar', ['-tf', file], { encoding: 'utf8' });
  assert.doesNotMatch(members(path.join(backup, 'state.tar')), /^\.\/keys\/|id_ed25519|\.ssh|\.db/m);
  assert.match(members(path.join(keysBackup, 'keys.tar')), /^\.\/keys\/\S+\.pem$/m);
}

suite('restoring what the document says is to be saved', { skip: sshdMissing() ?? skipWithoutMariadb }, () => {
  let sshd: Sshd;
  let mariadb: SharedMariadb;
  let dir: string;
  before(async () => {
    [sshd, mariadb] = await Promise.all([startSshd(), sharedMariadb()]);
    dir = mkdtempSync(path.join(tmpdir(), 'fh-restore-'));
    writeFileSync(path.join(dir, 'fleet-health'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    chmodSync(path.join(dir, 'fleet-health'), 0o755);
  });
  after(async () => {
    await Promise.all([sshd.stop(), mariadb.stop()]);
    rmSync(dir, { recursive: true, force: true });
  });

  /** Makes the folders of a drill. */
  async function startDrill(kind: 'sqlite' | 'mariadb'): Promise<Drill> {
    const place = path.join(dir, kind);
    const drill = { place, backup: path.join(place, 'backup'), keysBackup: path.join(place, 'keys-backup') };
    for (const folder of [drill.backup, drill.keysBackup]) mkdirSync(folder, { recursive: true });
    return { ...drill, database: kind === 'mariadb' ? await mariadb.createDatabase() : null };
  }

  /** Runs the document's lines in a shell, with its paths replaced by those of a machine. */
  function shell({ database, backup, keysBackup }: Drill, on: Machine, lines: readonly string[]): void {
    const client = `$1 -uroot -S ${mariadb.socketPath}$2 ${database?.name ?? ''} `;
    const text = lines
      .map((line) => line.replace(/^(mariadb(?:-dump)?)((?: --\S+)*) fleet /, client))
      .join('\n')
      .replaceAll('/etc/fleet-health', on.config)
      .replaceAll('/var/lib/fleet-health', on.state)
      .replaceAll('/backup/', `${backup}/`)
      .replaceAll('/keys-backup/', `${keysBackup}/`)
      .replaceAll('chown -R fleet-health:', 'chown -R 0:0');
    const env = { PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    execFileSync('/bin/sh', ['-euc', `umask 022\n${text}`], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** Makes a machine that has visited web-1, sent one mail and left a report on the client. */
  async function useMachine({ place, database }: Drill): Promise<Machine> {
    const old = machineIn(place, 'old');
    for (const folder of Object.values<string>({ ...old })) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { publicKey } = sshKeygen(path.join(old.config, 'key'), '-t', 'ed25519');
    const account = await sshd.addAccount({ publicKey });
    writeFileSync(path.join(old.config, 'config.xml'), configText(sshd, account.name, database), { mode: 0o600 });
    assert.equal((await run(old, 'trust', '--yes')).status, 0);
    const first = await run(old, 'collect');
    assert.equal(first.status, 0, first.stderr);
    assert.equal((await run(old, 'alert')).status, 0);
    // The report is not acknowledged, so it waits on the client.
    assert.equal((await run(old, 'collect', '--dry-run')).status, 0);
    return old;
  }

  /** Runs the commands of the document that save a machine. */
  function save(drill: Drill, old: Machine): void {
    const [lines = [], dump = []] = commandsOf('Saving');
    // In installation.md the state folder is the account's home.
    mkdirSync(path.join(old.state, '.ssh'));
    sshKeygen(path.join(old.state, '.ssh/id_ed25519'), '-t', 'ed25519');
    shell(
      drill,
      old,
      drill.database === null ? lines : lines.flatMap((line) => (line.includes(' backup ') ? dump : [line])),
    );
  }

  /** Runs the commands of the document that restore a machine. */
  function restore(drill: Drill): Machine {
    const fresh = machineIn(drill.place, 'new');
    const [lines = [], load = []] = commandsOf('Restoring');
    const ofMariadb = [...lines.filter((line) => !line.includes('fleet.db')), ...load];
    shell(drill, fresh, drill.database === null ? lines : ofMariadb);
    return fresh;
  }

  for (const kind of ['sqlite', 'mariadb'] as const) {
    test(`goes on as if nothing had happened (${kind})`, { timeout: 240_000 }, async () => {
      const drill = await startDrill(kind);
      const { database } = drill;
      const old = await useMachine(drill);
      const before = facts(old);
      assert.equal(before.mails.length, 1);
      save(drill, old);
      assertSecretBackup(drill);
      rmSync(path.join(drill.place, 'old'), { recursive: true });
      if (database !== null) await mariadb.asRoot(`DROP DATABASE ${database.name}`, `CREATE DATABASE ${database.name}`);

      const fresh = restore(drill);
      assert.deepEqual(facts(fresh), before);
      const next = await run(fresh, 'collect');
      assert.equal(next.status, 0);
      assert.equal(next.stderr, '');
      assert.match(next.stdout, /event=summary.* succeeded=1 failed=0 .* stored=2 duplicate=0 quarantined=0/);
      const notified = await run(fresh, 'alert');
      assert.equal(notified.status, 0);
      assert.equal(notified.stderr, '');
      assert.deepEqual(facts(fresh), before, 'the same id, keys and host keys, and no mail for a second time');
      const rows = await rowsOf(fresh, mariadb, database);
      assert.equal(rows.length, 3);
      // The run with --dry-run is not recorded.
      const ids = new Set(rows.map((row) => row['collector_id']).filter((id) => id !== null));
      assert.deepEqual([...ids], [before.id.trim()]);
      const status = JSON.parse((await run(fresh, '--json', 'status')).stdout) as { alerts: { firing: number } };
      assert.equal(status.alerts.firing, 1);
    });
  }
});

function configText(sshd: Sshd, username: string, database: MariadbDatabase | null): string {
  const storage = database === null ? '' : `<storage url="${database.url}" password="${database.password}"/>`;
  return `<config>
  <state dir="../var"/>
  ${storage}
  <collector changes="no"/>
  <ssh username="${username}" privateKey="key"/>
  <alerts defaults="no"><mail to="ops@example.org"/><alert type="uptime" limit="1s" for="1x"/></alerts>
  <client name="web-1" ip="127.0.0.1" port="${sshd.port}"/>
</config>
`;
}

function facts({ state }: Machine): {
  readonly id: string;
  readonly keys: readonly string[];
  readonly knownHosts: string;
  readonly mails: readonly string[];
} {
  const outbox = path.join(state, 'outbox');
  return {
    id: readFileSync(path.join(state, 'collector-id'), 'utf8'),
    keys: readdirSync(path.join(state, 'keys')),
    knownHosts: readFileSync(path.join(state, 'known_hosts'), 'utf8'),
    mails: readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8')),
  };
}

async function rowsOf(
  { state }: Machine,
  mariadb: SharedMariadb,
  database: MariadbDatabase | null,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const sql = 'SELECT s.client, r.collector_id FROM stats s LEFT JOIN runs r ON r.id = s.run_id';
  if (database !== null) return await mariadb.asRoot(`USE ${database.name}`, sql);
  const file = openSqlite(path.join(state, 'fleet.db'), { readOnly: true });
  try {
    return file.prepare(sql).all();
  } finally {
    file.close();
  }
}
