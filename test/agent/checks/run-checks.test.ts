// Second tier: checks that hang, in each agent.
/**
 * Checks that users wrote, run by each agent: both report the same, and a check that misbehaves affects only itself.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { checkAgents, checkClient } from '../../support/clients/check-client.ts';
import { isRunning } from '../../support/programs/is-running.ts';
import { isWide } from '../../support/long-tests.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

for (const agent of checkAgents) {
  const onlyNode = agent.shell === null ? {} : rare;
  test(`exit status, output and environment of checks are reported (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const say = client.program('say', 'printf "%s|" "$@"; exit 3');
    // The Node agent lowers the priority of the process that it has started.
    const lowered = 'until [ "$(nice)" = 19 ]; do :; done; nice';
    const env = client.program('env', `env | sort; pwd; cat; ${lowered}; ps -o pgid= -p $$ | tr -d " "; echo $$`);
    client.conf(
      `# a comment\n\n  ok ${client.program('ok', 'echo OK; echo "second line|a=1"; exit 0')}\n` +
        `"two words" format=checkmk ${say} 'a b' "c \\"d\\" \\n" e\\ f '' $HOME *\n` +
        `env timeout=5s ${env}\r\nprom format=prom every=1m ${client.program('prom', 'echo "x 1"; exit 1')}\n` +
        `by-name true\n`,
    );
    const { checks, refused } = await client.visit();
    assert.deepEqual(refused, []);
    const [ok, say1, env1, prom, byName] = checks;
    const common = { why: null, age_s: 0 };
    assert.deepEqual(ok, { name: 'ok', format: 'nagios', exit: 0, output: 'OK\nsecond line|a=1', ...common });
    const output = 'a b|c "d" \\n|e f||$HOME|*|';
    assert.deepEqual(say1, { name: 'two words', format: 'checkmk', exit: 3, output, ...common });
    assert.deepEqual(prom, { name: 'prom', format: 'prom', exit: 1, output: 'x 1', ...common });
    assert.deepEqual(byName, { name: 'by-name', format: 'nagios', exit: 0, output: '', ...common });
    const lines = env1?.output.split('\n').filter((line) => !/^(PWD|SHLVL|OLDPWD|_)=/.test(line)) ?? [];
    assert.deepEqual(lines.slice(0, 5), [
      `HOME=${client.home}`,
      'LC_ALL=C',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '/',
      '19',
    ]);
    assert.equal(lines[5], lines[6], 'a process group of its own');
  });

  for (const helper of ['nice', 'setsid']) {
    test(`a check that another ${helper} does not begin is not OK (${agent.name})`, rare, async (t) => {
      const client = checkClient(t, agent);
      const begun = path.join(client.home, 'begun');
      writeFileSync(path.join(client.home, 'bin', helper), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      client.conf(`own ${client.program('own', `: >${begun}; exit 0`)}`);
      const { checks } = await client.visit();
      const [exit, why] = existsSync(begun) ? [0, null] : [null, 'cannot be started'];
      assert.deepEqual(checks, [{ name: 'own', format: 'nagios', exit, why, output: '', age_s: 0 }]);
    });
  }

  test(
    `a check without an interpreter has the status of a shell, an empty file none (${agent.name})`,
    rare,
    async (t) => {
      const client = checkClient(t, agent);
      const [odd, empty] = [client.program('odd', ''), client.program('empty', '')];
      writeFileSync(odd, '#!/no/such/program\n');
      writeFileSync(empty, '');
      client.conf(`odd ${odd}\nempty ${empty}\n`);
      const { checks } = await client.visit();
      const common = { format: 'nagios', output: '', age_s: 0 };
      assert.deepEqual(checks, [
        { name: 'odd', exit: 127, why: null, ...common },
        { name: 'empty', exit: null, why: 'cannot be started', ...common },
      ]);
    },
  );

  test(`checks that hang, flood, fork or die cost themselves (${agent.name})`, rare, async (t) => {
    const client = checkClient(t, agent);
    const pids = path.join(client.home, 'pids');
    const note = `echo $$ >>${pids}`;
    client.conf(
      [
        `sleeps timeout=1s ${client.program('sleeps', `${note}; echo begun; sleep 60`)}`,
        `ignores timeout=1s ${client.program('ignores', `${note}; trap "" TERM; sleep 60; sleep 60`)}`,
        `floods ${client.program('floods', `${note}; trap "" PIPE; exec yes flood`)}`,
        `forks ${client.program('forks', `for i in 1 2 3; do sleep 60 & echo $! >>${pids}; done; echo forked`)}`,
        `session timeout=1s ${client.program('session', `setsid sleep 3 & echo away; exit 1`)}`,
        `signal ${client.program('signal', 'echo dying; kill -SEGV $$')}`,
        `binary ${client.program('binary', "printf 'a\\0b\\377\\303\\251\\033[2J\\r\\342\\200\\256\\t\\355\\240\\200!\\n\\n'")}`,
        `closes timeout=1s ${client.program('closes', `${note}; exec >&-; sleep 60`)}`,
        'absent /no/such/program',
        `folder ${path.join(client.home, 'plugins')}`,
        `plain ${client.program('plain', 'echo no', 0o600)}`,
        `long ${client.program('long', 'yes 0123456 | head -n 6000; exit 2')}`,
      ].join('\n'),
    );
    const { checks, refused } = await client.visit();
    assert.deepEqual(refused, []);
    const said = checks.map(({ name, exit, why, output }) => ({ name, exit, why, output: output.slice(0, 40) }));
    assert.deepEqual(said, [
      { name: 'sleeps', exit: null, why: 'timeout', output: 'begun' },
      { name: 'ignores', exit: null, why: 'timeout', output: '' },
      { name: 'floods', exit: null, why: 'too long', output: 'flood\n'.repeat(7).slice(0, 40) },
      { name: 'forks', exit: 0, why: null, output: 'forked' },
      { name: 'session', exit: 1, why: null, output: 'away' },
      { name: 'signal', exit: null, why: 'signal', output: 'dying' },
      { name: 'binary', exit: 0, why: null, output: 'ab?é?[2J?\t???!' },
      { name: 'closes', exit: null, why: 'timeout', output: '' },
      { name: 'absent', exit: null, why: 'missing command', output: '' },
      { name: 'folder', exit: null, why: 'cannot be started', output: '' },
      { name: 'plain', exit: null, why: 'cannot be started', output: '' },
      { name: 'long', exit: 2, why: null, output: '0123456\n'.repeat(5) },
    ]);
    assert.equal(checks.find(({ name }) => name === 'long')?.output.length, 4096 - 1);
    const left = readFileSync(pids, 'utf8').trim().split('\n').map(Number).filter(isRunning);
    assert.deepEqual(left, []);
  });

  test(`a result is repeated with its age until its time is over (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const counter = path.join(client.home, 'count');
    const count = client.program('count', `echo x >>${counter}; wc -l <${counter}; printf 'tab\\there "q" \\\\\\n'`);
    client.conf(`hourly every=1h ${count} a\neach ${client.program('each', 'echo each')}\n`);
    const first = await client.visit();
    const second = await client.visit();
    assert.equal(first.checks[0]?.output, '1\ntab\there "q" \\');
    assert.equal(first.checks[0].age_s, 0);
    assert.deepEqual({ ...second.checks[0], age_s: 0 }, first.checks[0]);
    assert.equal(readFileSync(counter, 'utf8'), 'x\n');
    // A conf line with another command is another check.
    client.conf(`hourly every=1h ${count} b\n`);
    assert.equal((await client.visit()).checks[0]?.output.split('\n')[0], '2');
    if (!isWide) return;
    client.conf(`hourly every=1s ${count} b\n`);
    assert.equal((await client.visit()).checks[0]?.age_s, 0);
  });

  test(
    `a check that hangs since an earlier visit is reported and not started again (${agent.name})`,
    onlyNode,
    async (t) => {
      const client = checkClient(t, agent);
      const counter = path.join(client.home, 'count');
      client.conf(`hangs ${client.program('hangs', `echo x >>${counter}`)}\nother true\n`);
      const { place } = await client.visit();
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      const stat = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8');
      if (agent.shell === null) {
        const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
        const running = JSON.stringify([{ name: 'hangs', pid: child.pid, start }]);
        writeFileSync(path.join(place, 'checks-running.json'), running, { mode: 0o600 });
      } else {
        const dir = path.join(place, 'checks/1');
        mkdirSync(dir, { recursive: true, mode: 0o700 });
        const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
        for (const [name, text] of Object.entries({ name: 'hangs\n', boot, pid: stat })) {
          writeFileSync(path.join(dir, name), text);
        }
      }
      for (let visits = 0; visits < (isWide ? 2 : 1); visits++) {
        const { checks } = await client.visit();
        assert.deepEqual(
          checks.map(({ name, why, exit }) => ({ name, why, exit })),
          [
            { name: 'hangs', why: 'still hanging', exit: null },
            { name: 'other', why: null, exit: 0 },
          ],
        );
      }
      assert.equal(readFileSync(counter, 'utf8'), 'x\n');
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      assert.equal((await client.visit()).checks[0]?.why, null);
      assert.equal(readFileSync(counter, 'utf8'), 'x\nx\n');
    },
  );

  test(
    `without conf files a report has no field of checks, and nothing is kept (${agent.name})`,
    onlyNode,
    async (t) => {
      const client = checkClient(t, agent);
      assert.equal((await client.visit()).isSilent, true);
      client.conf('# nothing yet\n');
      const { checks, refused, isSilent } = await client.visit();
      assert.deepEqual({ checks, refused, isSilent }, { checks: [], refused: [], isSilent: false });
    },
  );
}
