// Second tier: each implementation of the programs that the shell agent starts.
/** Clients whose programs are other implementations: a figure is that of the machine, or unknown. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { whereIs } from '../../support/clients/shell-client.ts';
import { rootWith, rowsOf, shellAgent, type ShellAgent, type ShellRun } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const diskOf = ({ report }: ShellRun): unknown => {
  const row = report === null ? undefined : rowsOf(report, 'disk').find(({ mount }) => mount === '/');
  return [row?.['fstype'], row?.['size_bytes'], typeof row?.['used_percent']];
};
const assertNow = ({ hello }: ShellRun, what: string): void =>
  assert.ok(Math.abs(hello.wall_ms - Date.now()) < 60_000, `${what}: ${hello.wall_ms}`);

/** The answers of date(1): BusyBox knows no milliseconds, uutils 0.0.17 refuses them. */
const dates: Readonly<Record<string, string>> = {
  'has no milliseconds': `exec ${whereIs('date') ?? ''} -u +%s.%%3N`,
  'refuses milliseconds': `case $* in *%3N*) exit 1 ;; esac; exec ${whereIs('date') ?? ''} "$@"`,
  'prints words': 'echo "date: 1 word"',
  'prints nothing': 'exit 1',
};
for (const [what, date] of Object.entries(dates)) {
  test(`a date that ${what} costs no clock`, async (t) => {
    assertNow(await shellAgent(t, { own: { date } }).run({ root: rootWith(tempFolder(t), {}) }), what);
  });
}

test('a stat that answers another question is none: df is asked, and times and stamps are unknown', async (t) => {
  const agent = shellAgent(t, { own: { stat: 'for x; do echo "=fs 41ed 8 755 ? 0 0 $x"; done' } });
  assert.deepEqual(diskOf(await agent.run()), diskOf(await shellAgent(t).run()));
  const root = rootWith(tempFolder(t), {
    'run/systemd/timesync/synchronized': '',
    'etc/a': '',
    'proc/uptime': '1 1\n',
  });
  const clockOf = ({ report }: ShellRun): unknown => report && rowsOf(report, 'clock')[0]?.['synchronised'];
  const failing = shellAgent(t, { own: { stat: 'exit 1' } });
  assert.equal(clockOf(await failing.run({ root })), null);
  assert.equal(clockOf(await shellAgent(t).run({ root })), 1);
  writeFileSync(path.join(failing.place, 'watch'), 'etc/a\n');
  assert.equal((await failing.run({ root })).end?.stamp, '-');
});

/** Makes a check of the client's own. */
function addCheck({ home }: ShellAgent): string {
  const confs = path.join(home, '.config/fleet-health/checks.d');
  mkdirSync(confs, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(confs, 'own.conf'), 'fine true\n', { mode: 0o600 });
  return confs;
}

/** Hides the awks of this machine, and makes an awk of another name. */
const hidden = ['/usr/bin/awk', '/bin/awk', 'mawk', 'gawk', 'busybox', 'original-awk', 'nawk']
  .flatMap((name) => whereIs(name) ?? (name.startsWith('/') ? name : []))
  .map((file) => realpathSync(file));
const hide = `for x in ${[...new Set(hidden)].join(' ')}; do ${whereIs('mount') ?? ''} --bind "$0" "$x"; done; exec "$@"`;
const skip = process.getuid?.() !== 0 && 'needs root for mounts';
const within = (none: string): readonly string[] => [whereIs('unshare') ?? '', '--mount', '/bin/sh', '-c', hide, none];

for (const name of ['original-awk', 'nawk']) {
  const lacks = skip || (name === 'nawk' && skipUnlessWide);
  test(`${name} as the only awk reads disks and runs checks`, { skip: lacks }, async (t) => {
    const agent = shellAgent(t, { without: ['awk'] });
    addCheck(agent);
    const none = path.join(agent.home, 'none');
    writeFileSync(none, '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    const copy = path.join(agent.home, 'real-awk');
    copyFileSync(realpathSync(whereIs('mawk') ?? ''), copy);
    writeFileSync(path.join(agent.bin, name), `#!/bin/sh\nexec ${copy} "$@"\n`, { mode: 0o755 });
    const run = await agent.run({ within: within(none), killAfterSeconds: 30 });
    assert.deepEqual(
      run.report?.checks?.map(({ name: check, exit }) => `${check} ${String(exit)}`),
      ['fine 0'],
    );
    assert.deepEqual(diskOf(run), diskOf(await shellAgent(t).run()));
  });
}

test('without any awk each file of checks is refused by name, and the disks are unknown', { skip }, async (t) => {
  const agent = shellAgent(t, { without: ['awk'] });
  const confs = addCheck(agent);
  const none = path.join(agent.home, 'none');
  writeFileSync(none, '#!/bin/sh\nexit 127\n', { mode: 0o755 });
  // The request is in base64: each length has another form of it.
  for (const name of isWide ? ['c', 'cc', 'ccc'] : ['c']) {
    const checks = [{ name, command: ['true'] }];
    const run = await agent.run({ within: within(none), killAfterSeconds: 30, checks });
    const why = 'awk: its answer is not that of awk';
    assert.deepEqual(run.report?.checks_refused, [
      { path: confs, why },
      { path: 'config.xml', why },
    ]);
    assert.deepEqual(run.report.checks, []);
    assert.equal(rowsOf(run.report, 'disk')[0]?.['used_percent'], null);
  }
  const others = await agent.run({ within: within(none), killAfterSeconds: 30 });
  assert.equal(others.report?.checks_refused?.length, 1);
});

test('without a folder each file of checks is refused by name', async (t) => {
  const agent = shellAgent(t);
  const confs = addCheck(agent);
  writeFileSync(path.join(agent.home, '.local'), '');
  const run = await agent.run({ folder: 'no/such' });
  assert.deepEqual(run.report?.checks_refused, [{ path: confs, why: 'nothing can be kept' }]);
});

/** The programs of other implementations, by name. */
const boxes: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  uutils: () => inFolder('/usr/lib/cargo/bin/coreutils'),
  toybox: () => Object.fromEntries(toys.map((name) => [name, `exec ${whereIs('toybox') ?? ''} ${name} "$@"`])),
};
const toys = (
  'cat cut date df find grep head id ln ls mkdir mkfifo mv nice od readlink rm sed sleep sort stat tail uname wc ' +
  'xargs md5sum sha1sum sha256sum timeout setsid'
).split(' ');
function inFolder(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder).flatMap((name) => (name === '[' ? [] : [[name, `exec ${folder}/${name} "$@"`]])),
  );
}
for (const [box, programs] of Object.entries(boxes)) {
  const isThere = box === 'toybox' ? whereIs('toybox') !== null : whereIs('coreutils') !== null;
  const lacks = skipUnlessWide || (!isThere && `${box} is not installed`);
  test(`the programs of ${box} give the figures and the state of the usual ones`, { skip: lacks }, async (t) => {
    const usual = shellAgent(t);
    const own = programs();
    const other = shellAgent(t, { own });
    const asked = { root: '', killAfterSeconds: 60, options: { units: ['ssh'], mounts: ['/dev/shm'] } };
    const [mine, theirs] = [await usual.run(asked), await other.run(asked)];
    assertNow(theirs, box);
    assert.deepEqual(diskOf(theirs), diskOf(mine));
    const shape = ({ report }: ShellRun): unknown =>
      report?.worker_reports.map(({ name, error, function_reports }) => [
        name,
        error,
        function_reports.map(({ name: family, unknown }) => [family, unknown]),
      ]);
    assert.deepEqual(shape(theirs), shape(mine));
    const digests = async (agent: ShellAgent): Promise<unknown> =>
      (await agent.run({ state: true, killAfterSeconds: 60 })).report?.sections
        ?.filter(({ kind }) => ['package', 'file', 'unit'].includes(kind))
        .map(({ kind, error, digest }) => [kind, error, digest]);
    assert.deepEqual(await digests(other), await digests(usual));
  });
}
