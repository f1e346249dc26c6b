// Second tier: the former file of another program, through the whole program.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';

import { startSshd, sshdMissing, type Sshd, type SshdAccount } from '../support/ssh/sshd.ts';
import { databaseKinds } from './support/whole-fleet.ts';

const skip = sshdMissing() ?? false;

suite('the file of the program this one succeeds', { skip }, () => {
  let sshd: Sshd;
  let account: SshdAccount;
  before(async () => {
    sshd = await startSshd({ hostKeyTypes: ['ed25519', 'rsa'] });
    account = await sshd.addAccount({ shell: '/bin/bash', password: 'correct & "horse"' });
  });
  after(async () => await sshd.stop());

  const sample = (): string =>
    `<client ip="127.0.0.1" port="${sshd.port}" username="${account.name}" password="correct &amp; &quot;horse&quot;" mail="asa@example.com">
       <alert type="memory" limit="10%"/>
       <alert type="cpu" limit="20%"/>
       <alert type="uptime" limit="100"/>
     </client>`;

  for (const kind of databaseKinds()) {
    test(`collects after trust, into ${kind.name}`, { skip: kind.skip }, async (t) => {
      const site = await kind.site(t, sample());

      const untrusted = await site.run('collect');
      assert.equal(untrusted.status, 1, untrusted.stderr);
      assert.match(untrusted.stderr, /host-key-unknown/);
      assert.match(untrusted.stderr, /fleet-health trust/);

      const trust = await site.run('trust', '--yes');
      assert.equal(trust.status, 0, trust.stderr);
      for (const key of sshd.hostKeys) assert.ok(trust.stdout.includes(key.fingerprint), trust.stdout);

      const collected = await site.run('collect');
      assert.deepEqual([collected.status, collected.stderr], [0, ''], collected.stdout);
      const [row, ...more] = await site.rows('SELECT * FROM collected_stats');
      assert.deepEqual(more, []);
      assert.ok(row !== undefined);
      assert.equal(row['ip_addr'], '127.0.0.1');
      assert.equal(row['event_logs'], null);
      assert.equal(row['consulted_for_alerts'], 0);
      const { mem_usage: memory, cpu_usage: cpu } = row;
      assert.ok(typeof memory === 'number' && memory >= 0 && memory <= 100, `mem_usage ${String(memory)}`);
      assert.ok(typeof cpu === 'number' && cpu >= 0 && cpu <= 100, `cpu_usage ${String(cpu)} at the first visit`);
      assert.ok(Number(row['uptime']) > 0);
      assert.match(String(row['os']), /\S/);

      // Runs as from the line of the crontab: no input, and no output to mail.
      const quiet = await site.run('-q', 'collect');
      assert.deepEqual(quiet, { status: 0, stdout: '', stderr: '' });
      assert.equal((await site.rows('SELECT * FROM stats')).length, 2);
      const visits = await site.rows('SELECT ok, code, uploaded FROM visits ORDER BY id');
      const outcomes = visits.map((visit) => [visit['ok'], visit['code'], visit['uploaded']]);
      assert.deepEqual(outcomes, [
        [0, 'host-key-unknown', 0],
        [1, null, 1],
        [1, null, 0],
      ]);
      const everything = [untrusted, trust, collected].map(({ stdout, stderr }) => stdout + stderr).join('');
      assert.ok(!everything.includes('horse'), 'the password was printed');
    });
  }
});
