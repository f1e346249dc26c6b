// Second tier: a client without Node through the program.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { everyNode } from '../support/every-node.ts';
import { sshdMissing, sshKeygen, sshdOfSuite } from '../support/sshd.ts';
import { pluckAll } from '../support/pluck.ts';
import { databaseKinds, listing } from './support/whole-fleet.ts';
import { namesBelow } from '../support/names-below.ts';

const skip = sshdMissing() ?? false;

suite('a client without node, through the whole program', { skip }, async () => {
  const sshd = await sshdOfSuite({ hidden: everyNode });
  const key = sshKeygen(path.join(sshd.dir, 'user'), '-t', 'ed25519');

  for (const kind of databaseKinds()) {
    test(
      `is read by the shell agent, stored sealed, evaluated and notified like any other (${kind.name})`,
      { skip: kind.skip },
      async (t) => {
        const { name, home } = await sshd.addAccount({ publicKey: key.publicKey });
        const client = (called: string, address: number, more: string): string =>
          `<client name="${called}" ip="127.0.0.${address}" port="${sshd.port}" username="${name}" ${more}/>`;
        const site = await kind.site(
          t,
          `<ssh privateKey="${key.privateKey}"/>
         <alerts><mail to="ops@example.org"/><alert type="memory" limit="0%" for="1x"/><alert type="process" match="sshd*" max="0" for="1x"/></alerts>
         ${client('plain', 1, '')} ${client('strict', 2, 'unsealed="refuse"')}`,
        );
        assert.equal((await site.run('trust', '--yes')).status, 0);

        const first = await site.run('--json', 'collect');
        const visits = (text: string) => {
          const { visits: all } = JSON.parse(text) as { visits: Record<string, unknown>[] };
          return pluckAll(all, 'client', 'code', 'reader', 'uploaded').toSorted();
        };
        const strict = ['strict', 'no-runtime', null, false];
        assert.deepEqual(visits(first.stdout), [['plain', null, 'shell', true], strict]);
        const commands = sshd.count(new RegExp(`Starting session: command for ${name} `, 'g'));
        const second = await site.run('--json', 'collect', 'plain');
        assert.deepEqual(visits(second.stdout), [['plain', null, 'shell', false]]);
        assert.equal(sshd.count(new RegExp(`Starting session: command for ${name} `, 'g')), commands + 1);

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
        assert.match((await site.run('status')).stdout, /^plain +ok +shell /m);

        // No file holds the report in clear, on the client or here.
        const whole = listing(path.join(home, '.local/state/fleet-health'));
        const left = whole.map((line) => line.replaceAll(/[0-9a-f-]{32,64}/g, 'ID'));
        const files = left.filter((line) => !/\/ 700$/.test(line)).map((line) => path.basename(line));
        assert.deepEqual(files.sort(), ['ID.t.sh 600', 'counters.shell 600', 'running 600']);

        assert.equal((await site.run('alert')).status, 0);
        const outbox = path.join(site.stateDir, 'outbox');
        const text = namesBelow(outbox, '.eml')
          .map((file) => readFileSync(path.join(outbox, file), 'utf8'))
          .join('\n');
        const alerts = await site.rows("SELECT rule, state FROM alerts WHERE client = 'plain' ORDER BY rule");
        const states = alerts.map(({ rule, state }) => `${String(rule)}: ${String(state)}`);
        assert.deepEqual(states, ['memory: firing', 'process match=sshd*: firing']);
        assert.match(text, /memory/);
      },
    );
  }
});
