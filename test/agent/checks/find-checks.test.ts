// Second tier: programs of checks, in each agent.
/** The checks that the agents find, and the files that they refuse. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { checkAgents, checkClient } from '../../support/clients/check-client.ts';
import { isWide } from '../../support/long-tests.ts';

const testdata = path.join(import.meta.dirname, '../../testdata/nrpe');

const rare = { skip: isWide ? false : 'in the second tier' };

for (const agent of checkAgents) {
  const onlyNode = agent.shell === null ? {} : rare;
  test(`lines that are no checks are refused with their number (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const file = client.conf(
      [
        'good true',
        'noCommand',
        '<b> true',
        `"${'x'.repeat(129)}" true`,
        'quote true "open',
        'quote2 true open\\',
        'relative ./true',
        'control true \u0001',
        'every every=x true',
        'every0 every=0 true',
        'every8 every=8d true',
        'late timeout=31s true',
        'format format=json true',
        'good true',
        'include-nrpe nrpe.cfg',
        'include-nrpe /no/such/file.cfg',
        'units every=7d timeout=30 format=prom true',
      ].join('\n'),
    );
    client.conf('hidden true\n', '.hidden.conf');
    client.conf('other true\n', 'other.txt');
    const { checks, refused } = await client.visit();
    assert.deepEqual(
      checks.map(({ name, format }) => `${name} ${format}`),
      ['good nagios', 'units prom'],
    );
    const no = 'not a line of NAME and COMMAND';
    assert.deepEqual(refused, [
      ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map((line) => ({ path: `${file}:${line}`, why: no })),
      { path: `${file}:14`, why: 'a name that another check has' },
      { path: `${file}:15`, why: 'include-nrpe takes one absolute path' },
      { path: '/no/such/file.cfg', why: 'not there' },
    ]);
  });

  test(`of 200 lines 50 checks run, and the rest is refused in a word (${agent.name})`, rare, async (t) => {
    const client = checkClient(t, agent);
    const lines = Array.from({ length: 200 }, (_, at) => `c${at} echo ${at}`);
    const file = client.conf(lines.join('\n'));
    const { checks, refused } = await client.visit();
    assert.deepEqual(
      checks.map(({ name, output, exit }) => `${name} ${output} ${exit}`),
      Array.from({ length: 50 }, (_, at) => `c${at} ${at} 0`),
    );
    assert.deepEqual(refused, [{ path: `${file}:51`, why: 'more than 50 checks' }]);
    client.conf(Array.from({ length: 200 }, () => 'wrong').join('\n'));
    assert.equal((await client.visit()).refused.length, 20);
  });

  test(`files that somebody else could change are refused (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const good = client.program('good', 'echo good');
    const open = client.program('open', 'echo open');
    const shared = path.join(client.home, 'shared');
    mkdirSync(path.join(shared, 'below'), { recursive: true });
    for (const name of ['x', 'below/y']) writeFileSync(path.join(shared, name), '#!/bin/sh\necho x\n', { mode: 0o700 });
    const link = path.join(client.home, 'link');
    symlinkSync(good, link);
    symlinkSync(link, path.join(shared, 'link'));
    symlinkSync(shared, path.join(client.home, 'plugins/away'));
    client.conf(
      `link ${link}\nopen ${open}\nx ${shared}/x\ny ${shared}/below/y\nthrough ${shared}/link\n` +
        `away ${client.home}/plugins/away/below/../x\nagain ${shared}/below/y\n`,
    );
    const second = client.conf('second true\n', 'second.conf');
    chmodSync(open, 0o702);
    chmodSync(shared, 0o777);
    chmodSync(second, 0o622);
    const { checks, refused } = await client.visit();
    const [trusted, ...others] = checks.map(({ name, why, output }) => `${name} ${why ?? output}`);
    assert.equal(trusted, 'link good');
    const untrusted = ['open', 'x', 'y', 'through', 'away', 'again'];
    assert.deepEqual(
      others,
      untrusted.map((name) => `${name} untrusted`),
    );
    const by = (part: string): string => `untrusted: ${part}`;
    assert.deepEqual(refused.slice(0, 3), [
      { path: second, why: by(second) },
      { path: open, why: by(open) },
      { path: `${shared}/x`, why: by(shared) },
    ]);
  });

  test(`no conf file counts in a folder that everybody may write to (${agent.name})`, onlyNode, async (t) => {
    const client = checkClient(t, agent);
    const file = client.conf('first true\n');
    client.conf('second true\n', 'second.conf');
    symlinkSync(file, path.join(client.confDir, 'zlink.conf'));
    chmodSync(client.confDir, 0o777);
    const { checks, refused } = await client.visit();
    assert.deepEqual(checks, []);
    assert.deepEqual(
      refused.map(({ why }) => why),
      Array<string>(3).fill(`untrusted: ${client.confDir}`),
    );
  });

  const noRoot = process.getuid?.() === 0 ? false : 'needs root, to give files to others';
  test(
    `a folder like /tmp is safe above one's own, and files of others are not (${agent.name})`,
    { skip: noRoot || (agent.shell !== null && rare.skip) },
    async (t) => {
      const client = checkClient(t, agent);
      const sticky = path.join(client.home, 'sticky');
      mkdirSync(path.join(sticky, 'own'), { recursive: true, mode: 0o700 });
      chmodSync(sticky, 0o1777);
      for (const name of ['open', 'own/mine', 'own/foreign']) {
        writeFileSync(path.join(sticky, name), '#!/bin/sh\necho fine\n', { mode: 0o700 });
      }
      chownSync(path.join(sticky, 'own/foreign'), 65534, 65534);
      client.conf(`mine ${sticky}/own/mine\nopen ${sticky}/open\nforeign ${sticky}/own/foreign\n`);
      const { checks, refused } = await client.visit();
      assert.deepEqual(
        checks.map(({ name, why, output }) => `${name} ${why ?? output}`),
        ['mine fine', 'open untrusted', 'foreign untrusted'],
      );
      assert.deepEqual(refused, [
        { path: `${sticky}/open`, why: `untrusted: ${sticky}` },
        { path: `${sticky}/own/foreign`, why: `untrusted: ${sticky}/own/foreign` },
      ]);
    },
  );

  test(`a folder's first 100 files are read, each of 64 KiB at most (${agent.name})`, rare, async (t) => {
    const client = checkClient(t, agent);
    const long = client.conf(`long true\n${'#'.repeat(64 * 1024)}`, '000.conf');
    // The second file has exactly the largest accepted size.
    client.conf('second true\n'.padEnd(64 * 1024, '#'), '001.conf');
    for (let at = 2; at < 99; at += 1) client.conf('# nothing\n', `${String(at).padStart(3, '0')}.conf`);
    client.conf('hundredth true\n', '099.conf');
    client.conf('after true\n', '100.conf');
    const { checks, refused } = await client.visit();
    assert.deepEqual(
      checks.map(({ name }) => name),
      ['second', 'hundredth'],
    );
    assert.deepEqual(refused, [{ path: long, why: 'longer than 64 KiB' }]);
  });

  test(
    `the nrpe.cfg of nagios-nrpe-server is taken, without what needs a shell (${agent.name})`,
    onlyNode,
    async (t) => {
      const client = checkClient(t, agent);
      const folder = path.join(client.home, 'nrpe.d');
      mkdirSync(folder, { mode: 0o700 });
      const cfg = path.join(folder, 'nrpe.cfg');
      copyFileSync(path.join(testdata, 'nrpe.cfg'), cfg);
      chmodSync(cfg, 0o600);
      const site = path.join(folder, 'site.cfg');
      writeFileSync(
        site,
        'command[one]=/bin/echo "a b" c\n command[pipe]=/bin/echo a | wc -l\ncommand[arg]=/bin/echo $ARG1$\n' +
          'command[home]=/bin/echo "$HOME"\ncommand[env]=X=1 /bin/echo\ncommand[glob]=/bin/echo *\n' +
          "command[quoted]=/bin/echo '*$' \\* #\ncommand[]=/bin/echo\ncommand[check_users]=/bin/echo twice\n",
        { mode: 0o600 },
      );
      client.conf(`include-nrpe ${folder}\nlast echo last\n`);
      const { checks, refused } = await client.visit();
      assert.deepEqual(
        checks.map(({ name }) => name),
        ['last', 'check_users', 'check_load', 'check_hda1', 'check_zombie_procs', 'check_total_procs', 'one'],
      );
      assert.equal(checks[6]?.output, 'a b c');
      assert.deepEqual(refused, [
        { path: `${site}:2`, why: 'needs a shell' },
        { path: `${site}:3`, why: 'takes arguments' },
        { path: `${site}:4`, why: 'needs a shell' },
        { path: `${site}:5`, why: 'needs a shell' },
        { path: `${site}:6`, why: 'needs a shell' },
        { path: `${site}:7`, why: 'needs a shell' },
        { path: `${site}:9`, why: 'a name that another check has' },
      ]);
    },
  );
}
