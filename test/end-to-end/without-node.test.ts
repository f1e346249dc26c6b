// Second tier: a client without Node through the program.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { everyNode } from '../support/programs/every-node.ts';
import { sshdMissing, sshKeygen, sshdOfSuite, type SshdAccount } from '../support/ssh/sshd.ts';
import { databaseKinds, listing, type Site } from './support/whole-fleet.ts';
import { namesBelow } from '../support/names-below.ts';

const skip = sshdMissing() ?? false;

suite('a client without node, through the whole program', { skip }, async () => {
  const sshd = await sshdOfSuite({ hidden: everyNode });
  const key = sshKeygen(path.join(sshd.dir, 'user'), '-t', 'ed25519');

  for (const kind of databaseKinds()) {
    suite(kind.name, { skip: kind.skip }, () => {
      let account: SshdAccount;
      let site: Site;
      const ends: (() => unknown)[] = [];
      before(async () => {
        account = await sshd.addAccount({ publicKey: key.publicKey });
        const client = (called: string, address: number, more: string): string =>
          `<client name="${called}" ip="127.0.0.${address}" port="${sshd.port}" username="${account.name}" ${more}/>`;
        const rules =
          '<alert type="memory" limit="0%" for="1x"/><alert type="process" match="sshd*" max="0" for="1x"/>';
        site = await kind.site(
          { after: (end) => void ends.push(end) },
          `<ssh privateKey="${key.privateKey}"/>
         <alerts><mail to="ops@example.org"/>${rules}</alerts>
         ${client('plain', 1, '')} ${client('strict', 2, 'unsealed="refuse"')}`,
        );
        assert.equal((await site.run('trust', '--yes')).status, 0);
      });
      after(() => ends.forEach((end) => end()));

      const commands = (): number => sshd.count(new RegExp(`Starting session: command for ${account.name} `, 'g'));
      const visits = async (...args: readonly string[]) => {
        const { stdout } = await site.run('--json', 'collect', ...args);
        const all = (JSON.parse(stdout) as { visits: Record<string, unknown>[] }).visits;
        return all
          .map(({ client, code, reader, uploaded }) => ({ client, code, reader, uploaded }))
          .toSorted((one, other) => String(one.client).localeCompare(String(other.client)));
      };

      const stateOf = async (client: string) => {
        const [row] = await site.rows(`SELECT state_stamp, state_runs FROM clients WHERE name = '${client}'`);
        return { stamp: String(row?.['state_stamp']), runs: Number(row?.['state_runs']) };
      };

      test('is read by the shell agent, unless its reports must be sealed there', async () => {
        assert.deepEqual(await visits(), [
          { client: 'plain', code: null, reader: 'shell', uploaded: true },
          { client: 'strict', code: 'no-runtime', reader: null, uploaded: false },
        ]);
        const [before, known] = [commands(), await stateOf('plain')];
        const plain = { client: 'plain', code: null, reader: 'shell', uploaded: false };
        assert.deepEqual(await visits('plain'), [plain]);
        const { stamp, runs } = await stateOf('plain');
        // Other tests add accounts to this machine meanwhile.
        assert.equal(runs - known.runs, stamp === known.stamp ? 0 : 1, 'the state is read again if its stamp differs');
        assert.equal(commands(), before + 1 + runs - known.runs);
        assert.match((await site.run('status')).stdout, /^plain +ok +shell /m);
      });

      test('is a row like any other', async () => {
        const columns = 'client, cpu_percent, memory_percent, disk_percent, processes, probe_errors, os';
        const rows = await site.rows(`SELECT ${columns} FROM stats ORDER BY id`);
        assert.equal(rows.length, 2);
        for (const row of rows) {
          assert.equal(row['client'], 'plain');
          for (const column of ['cpu_percent', 'memory_percent', 'disk_percent', 'processes']) {
            assert.ok(Number(row[column]) > 0 || (column === 'cpu_percent' && Number(row[column]) === 0), column);
          }
          assert.equal(Number(row['probe_errors']), 0);
          assert.notEqual(row['os'], null);
        }
        const [known] = await site.rows("SELECT reader FROM clients WHERE name = 'plain'");
        assert.equal(known?.['reader'], 'shell');
      });

      test('has its state read with the first visit', async () => {
        const sections = await site.rows('SELECT kind, error FROM state_sections ORDER BY kind');
        const kinds = ['account', 'file', 'listener', 'mount', 'package', 'system', 'unit'];
        assert.deepEqual(
          sections.map(({ kind, error }) => [kind, error]),
          kinds.map((one) => [one, null]),
        );
        assert.match((await stateOf('plain')).stamp, /^[0-9a-f]{64}$/);
        const [counted] = await site.rows('SELECT COUNT(*) AS packages FROM packages');
        const listed = execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status}\\n'], { encoding: 'utf8' });
        assert.equal(Number(counted?.['packages']), listed.match(/^installed$/gm)?.length);
      });

      test('keeps no report in clear', () => {
        const whole = listing(path.join(account.home, '.local/state/fleet-health'));
        const left = whole.map((line) => line.replaceAll(/[0-9a-f-]{32,64}/g, 'ID'));
        const files = left.filter((line) => !/\/ 700$/.test(line)).map((line) => path.basename(line));
        assert.deepEqual(files.sort(), [
          'ID.t.sh 600',
          'asked 600',
          'looks 600',
          'notes 600',
          'running 600',
          'watch 600',
        ]);
      });

      test('is evaluated and notified of like any other', async () => {
        assert.equal((await site.run('alert')).status, 0);
        const outbox = path.join(site.stateDir, 'outbox');
        const mails = namesBelow(outbox, '.eml').map((file) => readFileSync(path.join(outbox, file), 'utf8'));
        const alerts = await site.rows("SELECT rule, state FROM alerts WHERE client = 'plain' ORDER BY rule");
        const states = alerts.map(({ rule, state }) => `${String(rule)}: ${String(state)}`);
        assert.deepEqual(states, ['memory: firing', 'process match=sshd*: firing']);
        assert.match(mails.join('\n'), /memory/);
      });
    });
  }
});
