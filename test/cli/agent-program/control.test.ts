// Second tier: waits for programs that start and end.
/**
 * Modes of `fleet-health-agent` in the background: their start, the descriptors and terminal that they release, and
 * their end.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { controlForm } from '../../../src/agent-cli.ts';
import { agentProgram, exits, runCli, succeeded, type CliResult } from '../../support/programs/run-cli.ts';
import { isWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { assertWithin } from '../../support/within.ts';

interface Station {
  readonly dir: string;
  readonly config: string;
  readonly log: string;
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** Returns the pid that `status` reports. Returns null if the mode is not running. */
  readonly pid: () => Promise<number | null>;
  readonly start: () => Promise<number>;
}

/** Makes an agent.json with a log folder. Ends the mode after the test. */
function station(t: TestContext, logs = 'logs'): Station {
  // Registered before the removal of the folder, because a mode cannot be found without its lock.
  t.after(async () => {
    await run('stop', '--force', 'report');
  });
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'logs'));
  const config = path.join(dir, 'agent.json');
  const settings = { state_directory: path.join(dir, 'state'), log_directory: path.join(dir, logs) };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  const run: Station['run'] = (...args) => runCli(['-c', config, ...args], { program: agentProgram });
  const pid: Station['pid'] = async () => {
    const { stdout } = await run('--json', 'status', 'report');
    return (JSON.parse(stdout) as { readonly pid: number | null }).pid;
  };
  return {
    ...{ dir, config, run, pid },
    log: path.join(dir, 'logs', 'fleet-health-agent-report.log'),
    start: async () => {
      await succeeded(run('start', 'report'));
      const started = await pid();
      assert.ok(started !== null, 'status does not see it');
      return started;
    },
  };
}

/** Reads a value of /proc/PID/status. */
function statusOf(pid: number, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}

const skip = isWide ? false : 'in the second tier';

suite('in the background', { skip: existsSync('/proc/self/fdinfo') ? false : 'needs /proc' }, () => {
  test('of two starts at the same time one starts the mode, and neither is a fault', { skip }, async (t) => {
    const { run, pid } = station(t);
    const starts = await Promise.all([succeeded(run('start', 'report')), succeeded(run('start', 'report'))]);
    const running = await pid();
    for (const said of starts)
      assert.match(said, new RegExp(`^report is running(?: already)? \\(pid ${running}\\)\\.$`, 'm'));
  });

  test('a mode leads no session, has no terminal and no descriptor of whoever started it', async (t) => {
    const { dir, config, pid } = station(t);
    const open = openSync(path.join(dir, 'held open'), 'w');
    const stdio: ('ignore' | 'pipe' | number)[] = Array.from({ length: 61 }, () => 'ignore');
    [stdio[1], stdio[9], stdio[42], stdio[60]] = ['pipe', 'pipe', open, 'pipe'];
    const args = [agentProgram, '-c', config, 'start', 'report'];
    const child = spawn(process.execPath, args, { stdio, cwd: dir, env: { PATH: '/usr/bin:/bin' } });
    const ends: readonly unknown[] = child.stdio;
    let pipesOpen = 3;
    for (const pipe of [ends[1], ends[9], ends[60]]) {
      (pipe as NodeJS.ReadableStream).on('end', () => (pipesOpen -= 1)).resume();
    }
    const [status] = (await once(child, 'exit')) as [number];
    assert.equal(status, 0);
    // The mode holds no end of the pipes open, so that a reader does not wait for a mode in the background.
    await until(
      () => pipesOpen === 0,
      () => `${pipesOpen} pipes are still open`,
    );

    const own = await pid();
    assert.ok(own !== null);
    const links = readdirSync(`/proc/${own}/fd`).map(
      (name) => [Number(name), readlinkSync(`/proc/${own}/fd/${name}`)] as const,
    );
    for (const [number, link] of links) {
      if (number <= 2) assert.equal(link, '/dev/null');
      assert.ok(!link.includes('held open'), `descriptor ${number} is ${link}`);
    }
    const stat = readFileSync(`/proc/${own}/stat`, 'utf8');
    const [, , , session, terminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    assert.notEqual(Number(session), own, 'it leads its session');
    assert.ok(!existsSync(`/proc/${session ?? ''}`), 'the leader of its session has ended');
    assert.equal(terminal, '0');
    assert.equal(readlinkSync(`/proc/${own}/cwd`), '/');
    assert.equal(statusOf(own, 'Umask'), '0077');
  });

  test('start of a running mode says so; a killed one is not running, whatever files are left', async (t) => {
    const { run, start, pid } = station(t);
    await exits(3, run('status', 'report'), { stdout: /^report is not running; / });
    const first = await start();
    assert.match(
      await succeeded(run('start', '--force', 'report')),
      new RegExp(`^report is running already \\(pid ${first}\\)`),
    );
    assert.match(await succeeded(run('report', '--status')), new RegExp(`pid ${first}, since 20.*queue -`));
    process.kill(first, 'SIGKILL');
    await until(() => !existsSync(`/proc/${first}`) || statusOf(first, 'State') === 'Z', 'it is still there');
    assert.equal(await pid(), null);
    assert.notEqual(await start(), first);
  });

  test('SIGHUP opens the log again and reads agent.json again; a fault in it is logged', { skip }, async (t) => {
    const { config, log, start, run } = station(t);
    const pid = await start();
    await until(() => readFileSync(log, 'utf8').includes('event=reporting'), 'no report is begun');
    assert.equal(statSync(log).mode & 0o777, 0o640);
    renameSync(log, `${log}.1`);
    const settings = JSON.parse(readFileSync(config, 'utf8')) as object;
    writeFileSync(config, JSON.stringify({ ...settings, report: { every: '33s' } }));
    process.kill(pid, 'SIGHUP');
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('every_s=33'), 'not read again');
    writeFileSync(config, '{"report": {"evry": "9s"}}');
    process.kill(pid, 'SIGHUP');
    await until(() => readFileSync(log, 'utf8').includes('event=settings-refused'), 'no fault is logged');
    await until(() => /refused[^]*every_s=33/.test(readFileSync(log, 'utf8')), 'the earlier settings do not stay');
    assert.ok(!readFileSync(`${log}.1`, 'utf8').includes('every_s=33'));
    writeFileSync(config, JSON.stringify(settings));
    await succeeded(run('stop', 'report'));
  });

  test(
    'a mode is seen and ended whatever agent.json has become; restart refuses before it ends anything',
    { skip },
    async (t) => {
      const { config, start, run, pid } = station(t);
      const settings = readFileSync(config, 'utf8');
      const broken = [`${settings.slice(0, -1)}, "report": {`, settings.replace('{', '{"no_such_key": 1, ')];
      const first = await start();
      for (const text of broken) {
        writeFileSync(config, text);
        assert.equal(await pid(), first);
        assert.match(await succeeded(run('reload', 'report')), new RegExp(`pid ${first}`));
        await exits(2, run('restart', 'report'), /agent\.json/);
        assert.equal(await pid(), first);
      }
      assert.match(await succeeded(run('stop', 'report')), new RegExp(`has ended \\(pid ${first}\\)`));
      assert.equal(await pid(), null);
    },
  );

  test('stop ends it in good order, terminal signals do not, and restart makes a new one', async (t) => {
    const { log, start, run, pid } = station(t);
    const first = await start();
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTSTP'] as const) process.kill(first, signal);
    assert.equal(await pid(), first);
    assert.match(await succeeded(run('restart', 'report')), /^report is running \(pid \d+\)/);
    const second = await pid();
    assert.ok(second !== null && second !== first);
    assert.match(await succeeded(run('stop', 'report')), new RegExp(`^report has ended \\(pid ${second}\\)`));
    assert.equal(readFileSync(log, 'utf8').match(/event=stopped/g)?.length, 2);
    assert.match(await succeeded(run('stop', 'report')), /^report is not running/);
  });

  test('stop of one that heeds nothing says after ten seconds how to end it', { skip, timeout: 60_000 }, async (t) => {
    const { start, run, pid } = station(t);
    const own = await start();
    process.kill(own, 'SIGSTOP');
    const advice = /did not end within 10 s \(locked\)\..*fleet-health-agent stop --force report/;
    await exits(3, run('stop', 'report'), advice);
    assert.equal(await pid(), own);
  });

  test('a check that takes long does not hold up the end', { skip }, async (t) => {
    const { dir, config, log, run } = station(t);
    const folder = path.join(dir, '.config/fleet-health/checks.d');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const begun = path.join(dir, 'begun');
    const slow = `#!/bin/sh\n: >'${begun}'\nexec sleep 25\n`;
    writeFileSync(path.join(dir, 'slow'), slow, { mode: 0o755 });
    writeFileSync(path.join(folder, 'slow.conf'), `slow timeout=30s ${dir}/slow\n`, { mode: 0o600 });
    const options = { program: agentProgram, env: { HOME: dir } };
    await succeeded(runCli(['-c', config, 'start', 'report'], options));
    await until(() => existsSync(begun), 'the check has not begun');
    const startedMs = performance.now();
    await succeeded(run('stop', 'report'));
    assertWithin(startedMs, 4000);
    assert.match(readFileSync(log, 'utf8'), /event=stopped/);
  });

  test(
    '--force ends one that heeds nothing, and leaves a script that runs it in the foreground',
    { skip },
    async (t) => {
      const { start, run, pid, config } = station(t);
      process.kill(await start(), 'SIGSTOP');
      await succeeded(run('report', '--stop', '--force'));
      assert.equal(await pid(), null);

      const script = '"$@"; echo "the script goes on"';
      const child = spawn(
        '/bin/sh',
        ['-c', script, 'sh', process.execPath, agentProgram, '-c', config, 'run', 'report'],
        {
          detached: true,
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      const ended = once(child, 'close');
      for (let tries = 0; tries < 1000 && (await pid()) === null; tries++);
      await succeeded(run('stop', '--force', 'report'));
      await ended;
      assert.match(said, /the script goes on/);
    },
  );

  test('a second one in the foreground is refused', { skip }, async (t) => {
    const { start, run } = station(t);
    const pid = await start();
    await exits(3, run('run', 'report'), new RegExp(`report is running already \\(pid ${pid}\\) \\(locked\\)`));
  });
});

test('start says why a mode does not run', async (t) => {
  const { run, config, dir } = station(t, 'nowhere');
  const advice = new RegExp(`ENOENT.*nowhere.*\\(agent-failed\\).*fleet-health-agent -c ${config} run report`);
  await exits(1, run('start', 'report'), advice);
  if (!isWide) return;
  writeFileSync(config, JSON.stringify({ state_directory: path.join(dir, 'state') }));
  await exits(1, run('start', 'edge'), /agent\.json has no "edge" \(agent-failed\)/);
  await exits(1, run('--start'), /agent\.json does not say where to push to \(agent-failed\)/);
  writeFileSync(config, '{"clint": 1}');
  await exits(2, run('start', 'report'), /"clint" is not known; did you mean "client"/);
  await exits(2, run('start', 'reprot'), /there is no mode reprot \(usage\)\. Choose /);
});

const forms: readonly (readonly [line: string, form: string])[] = [
  ['--start', 'start push'],
  ['--stop --force', 'stop push --force'],
  ['report --status', 'status report'],
  ['--restart edge --force', 'restart edge --force'],
  ['-c agent.json --start', 'start push -c agent.json'],
  ['-c agent.json report --start', 'start report -c agent.json'],
  ['report --every 10s', 'report --every 10s'],
];

for (const [line, form] of forms) {
  test(`\`${line}\` is \`${form}\``, () => {
    assert.deepEqual(controlForm(line.split(' ')), form.split(' '));
  });
}

test('push --format pattoo --start refuses a URL or a format that does not fit', { skip }, async (t) => {
  const { run } = station(t);
  await exits(
    2,
    run('push', '--format', 'pattoo', '--start', '--to', 'ftp://x'),
    /needs --to with a URL of https or http/,
  );
  await exits(2, run('push', '--start', '--to', 'http://127.0.0.1:9/'), /and --to the format/);
});
