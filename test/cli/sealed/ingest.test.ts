/** `ingest`, and the keys of a fleet whose collector opens no reports, in text and in JSON. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { loadKeyRing } from '../../../src/collector/keys/key-ring.ts';
import { takeLock } from '../../../src/state-folder/lock.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { generateKeyPair, type KeyPair } from '../../../src/report/seal/key-pair.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { configFolder, exits, runCli } from '../../support/programs/run-cli.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';

const config =
  '<config><collector open="no"/><client name="web-1" ip="127.0.0.1"/><client name="web-2" ip="127.0.0.2"/></config>';

interface Json {
  readonly [name: string]: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly advice: string };
}

function machine(t: TestContext, text = config) {
  const dir = configFolder(t, text);
  const run = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await runCli(['--json', ...args], { cwd: dir });
    return { status, stderr, json: JSON.parse(stdout) as Json };
  };
  const storage = () =>
    openStorage({ storage: sqliteConfig(path.join(dir, 'state', 'fleet.db')), migrate: true, program: 'collect' });
  return {
    dir,
    paths: statePaths(path.join(dir, 'state')),
    run,
    plain: (...args: readonly string[]) => runCli(args, { cwd: dir }),
    /** Stores reports as a collector without the key does. Returns the ids of the reports. */
    store: async (keys: readonly KeyPair[], change: (sealed: Buffer) => void = () => undefined) => {
      const open = await storage();
      const items = keys.map((key) => {
        const { sealed, reportId } = sealedSample({ key });
        change(sealed);
        return { client: 'web-1', reportId, keyId: key.id, runId: 'r', receivedAtMs: Date.now(), clock: null, sealed };
      });
      try {
        await open.reports.saveSealed(items);
      } finally {
        await open.close();
      }
    },
    rows: async (sql: string) => {
      const open = await storage();
      try {
        return await open.history.query(sql);
      } finally {
        await open.close();
      }
    },
  };
}

test('ingest without a private key says what is missing and leaves a row; a further word is refused', async (t) => {
  const { run, plain, rows } = machine(t);
  const { status, stderr, json } = await run('ingest');
  assert.equal(status, 3);
  assert.equal(json.error?.code, 'keys-invalid');
  assert.match(
    stderr,
    /^fleet-health: .*holds no private key.*\(keys-invalid\)\. Run `ingest` where the private keys are.*\n$/,
  );
  const [row] = await rows("SELECT outcome FROM runs WHERE program = 'ingest'");
  assert.equal(row?.['outcome'], 'failed');
  assert.equal((await plain('ingest', 'web-1')).status, 2);
});

test('ingest: what was opened, what was not believed, what waits for a key, and who runs already', async (t) => {
  const { run, plain, store, paths, dir } = machine(t);
  assert.equal((await run('keys', 'generate')).status, 0);
  const nothing = await run('ingest');
  assert.deepEqual(
    [nothing.status, nothing.json['command'], nothing.json['outcome'], nothing.json['reports']],
    [0, 'ingest', 'finished', { stored: 0, duplicate: 0, quarantined: 0, keyless: 0 }],
  );
  const own = loadKeyRing(paths, Date.now()).sealing;
  const stranger = generateKeyPair();
  await store([own, stranger]);
  await store([own], (sealed) => sealed.writeUInt8((sealed.at(-1) ?? 0) ^ 1, sealed.length - 1));
  const { status, stderr, json } = await run('ingest');
  assert.deepEqual(
    [status, json['exit_status'], json['reports'], json['clients']],
    [1, 1, { stored: 1, duplicate: 0, quarantined: 1, keyless: 1 }, 1],
  );
  const [bad] = json['quarantined'] as readonly { client: string; code: string }[];
  assert.deepEqual([bad?.client, bad?.code], ['web-1', 'seal-corrupt']);
  const [fault] = json['faults'] as readonly { code: string; message: string }[];
  assert.equal(fault?.code, 'seal-no-key');
  assert.ok(fault.message.includes(stranger.id) && stderr.includes(fault.message), stderr);
  const endings = readdirSync(path.join(dir, 'state', 'encrypted_stats', 'web-1', 'quarantine')).map((name) =>
    path.extname(name),
  );
  assert.deepEqual(endings, ['.fhs', '.json']);
  const lines = await plain('ingest');
  assert.deepEqual([lines.status, lines.stderr], [0, '']);
  assert.match(lines.stdout, /event=summary .*outcome=finished .*stored=0 .*keyless=0/);
  assert.deepEqual(await plain('-q', 'ingest'), { status: 0, stdout: '', stderr: '' });
  const waiting = (await run('status')).json['sealed'] as readonly { key: string; code: string; reports: number }[];
  assert.deepEqual([waiting[0]?.key, waiting[0]?.code, waiting[0]?.reports], [stranger.id, 'seal-no-key', 1]);

  const lock = await takeLock({ file: paths.ingestLock, nowMs: Date.now() });
  const beside = await run('ingest');
  if (lock.kind === 'held') lock.release();
  assert.deepEqual([beside.status, beside.json['outcome']], [0, 'overlapped']);
  assert.equal((beside.json['holder'] as { pid: number }).pid, process.pid);
});

test('keys import-public takes public halves alone, and says which one seals', async (t) => {
  const opener = machine(t);
  const collector = machine(t);
  const made = (await opener.run('keys', 'generate')).json['generate'] as { id: string; file: string };
  const publicFile = made.file.replace('/keys/', '/public_keys/');
  for (const [file, reason] of [
    [made.file, /it holds a private key, which stays where it was made/],
    [path.join(opener.dir, 'nowhere.pem'), /nowhere\.pem cannot be used: it does not exist/],
    [opener.dir, /it is no regular file/],
  ] as const) {
    const { status, stderr, json } = await collector.run('keys', 'import-public', file);
    assert.deepEqual([status, json.error?.code], [3, 'keys-invalid']);
    assert.match(stderr, reason);
    assert.ok(!stderr.includes('BEGIN'), stderr);
  }
  assert.equal((await collector.plain('keys', 'import-public')).status, 2);
  for (const time of ['the first', 'the second']) {
    const { status, json } = await collector.run('keys', 'import-public', publicFile);
    const { id, seals, opens } = json['import-public'] as { id: string; seals: boolean; opens: boolean };
    assert.deepEqual([status, id, seals, opens], [0, made.id, true, false], `${time} time`);
  }
  const list = (await collector.plain('keys', 'list')).stdout;
  assert.match(list, new RegExp(`${made.id}.*seals; opens elsewhere`));
});

test('keys retire refuses while reports may wait; --force gives them up, and they are reported by name', async (t) => {
  const { run, plain, store, paths } = machine(t, config.replace(' open="no"', ''));
  await run('keys', 'generate');
  const old = loadKeyRing(paths, Date.now()).sealing;
  await run('keys', 'rotate');
  await store([old]);
  const { status, json } = await run('keys', 'retire', old.id);
  assert.deepEqual([status, json.error?.code], [3, 'key-in-use']);
  assert.match(json.error?.message ?? '', /^1 report waits in the database that only key \w+ opens$/);
  assert.match(json.error?.advice ?? '', /ingest.* --force gives these reports up\.$/);
  assert.match((await plain('keys', 'retire', old.id, '--force')).stdout, /can never be opened again/);
  assert.equal((await run('keys', 'retire', old.id, '--force')).status, 3);
  await exits(1, run('ingest'), new RegExp(`sealed to key ${old.id}, which was made at .* and retired here at`));
});

test('a key is not retired while nobody can ask the database', async (t) => {
  const { run } = machine(t, config.replace('<config>', '<config><storage url="mysql://fleet@127.0.0.1:1/fleet"/>'));
  const { generate } = (await run('keys', 'generate')).json as { generate: { id: string } };
  await run('keys', 'rotate');
  const { status, json } = await run('keys', 'retire', generate.id);
  assert.deepEqual([status, json.error?.code], [3, 'key-in-use']);
  assert.match(json.error?.message ?? '', /^the database cannot be asked what waits for key/);
  assert.equal((await run('keys', 'retire', generate.id, '--force')).status, 0);
});
