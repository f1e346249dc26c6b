// Second tier: starts the built program for each crontab.
/** `crontab`: its lines, and how these lines are installed and removed with the crontab(1) of this machine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';

import { cronBlock, ownCaFile, withBlock, type CronBlockOptions } from '../../../src/cli/set-up/cron-block.ts';
import { configFolder, exits, program, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { onTerminal, withoutTerminal } from '../../support/programs/terminal.ts';

const minimal = '<config><collector every="10m"/><client name="web-1" ip="192.0.2.1"/></config>';
const options: CronBlockOptions = {
  ...{ node: '/opt/node 22/bin/node', program: '/opt/fh/50%.cjs', config: "/etc/it's.xml", everyMs: 300_000 },
  ...{ host: 'mon-1', site: null, mailTo: 'ops@example.org', user: null },
};
const block = cronBlock(options);

test('the lines hold absolute paths, quoted for the shell and for cron', () => {
  const lines = block.split('\n');
  assert.deepEqual(lines.slice(1, 4), [
    'SHELL=/bin/sh',
    'PATH=/opt/node 22/bin:/usr/local/bin:/usr/bin:/bin',
    'MAILTO=ops@example.org',
  ]);
  const command = String.raw`'/opt/node 22/bin/node' /opt/fh/50\%.cjs -q -c '/etc/it'\''s.xml'`;
  assert.match(lines[4] ?? '', /^[1-4]-59\/5 \* \* \* \* /);
  assert.ok(lines[4]?.endsWith(` ${command} collect`), lines[4]);
  assert.match(lines[5] ?? '', /^\* \* \* \* \* sleep \d+; /);
  assert.ok(lines[5]?.endsWith(`; ${command} alert`), lines[5]);
});

test('machines start at different minutes, those of a shared site at one; /etc/cron.d names the account', () => {
  const schedulesOf = (site: string | null): ReadonlySet<string | undefined> => {
    const blocks = Array.from({ length: 50 }, (_, n) => cronBlock({ ...options, host: `mon-${n}`, site }));
    return new Set(blocks.map((one) => one.split('\n')[4]?.split(' ')[0]));
  };
  assert.deepEqual([schedulesOf(null).size, schedulesOf('fra').size], [4, 1]);
  assert.match(cronBlock({ ...options, user: 'fleet' }), /\* \* fleet '\/opt.*\n\* \* \* \* \* fleet sleep/);
});

for (const [what, wrong] of [
  ['a line break in a path', { config: '/etc/a\nb' }],
  ['a line break in the address', { mailTo: 'a\nb' }],
  ['an account that would be a line', { user: 'root\n* * * * * root harm' }],
  ['paths longer than cron takes', { config: `/${'x'.repeat(1000)}` }],
] as const) {
  test(`${what} is refused`, () => assert.throws(() => cronBlock({ ...options, ...wrong }), { code: 'usage' }));
}

test('certificates of a private authority go along, as cron starts with an empty environment', async (t) => {
  assert.equal(ownCaFile(''), null);
  for (const wrong of ['ca.pem', '/a\nb', '/a"b', '/a%b', '/a ']) {
    assert.throws(() => ownCaFile(wrong), { code: 'usage' }, JSON.stringify(wrong));
  }
  const cwd = configFolder(t, minimal);
  const file = path.join(cwd, 'own ca.pem');
  writeFileSync(file, rootCertificates[0] ?? '');
  const set = { cwd, env: { NODE_EXTRA_CA_CERTS: file } };
  const cron = await succeeded(runCli(['crontab'], set));
  assert.ok(cron.includes(`MAILTO=root\nNODE_EXTRA_CA_CERTS=${file}\n`), cron);
  const units = await succeeded(runCli(['crontab', '--systemd'], set));
  const named = units.split(`[Service]\nEnvironment="NODE_EXTRA_CA_CERTS=${file}"\n`).length;
  assert.deepEqual([named, units.split('[Service]\n').length], [3, 3]);
});

const others = 'MAILTO=me\n0 4 * * * backup\n# mine\n';
for (const [what, before, put, after] of [
  ['an empty crontab', '', block, block],
  ['lines of somebody', others, block, others + block],
  ['lines without a last break', '0 4 * * * backup', block, `0 4 * * * backup\n${block}`],
  ['an earlier block goes to the end', `${block}${others}`, block, others + block],
  ['the same once more', others + block, block, others + block],
  [
    ...['an earlier block with other ends of lines', `${block}${others}`.replaceAll('\n', '\r\n'), block],
    `${others.trimEnd().replaceAll('\n', '\r\n')}\n${block}`,
  ],
  [
    'an earlier block with blanks',
    `${block}${others}`.replaceAll('\n', ' \n'),
    null,
    others.replaceAll('\n', ' \n').trimEnd() + '\n',
  ],
  ['taken out', `# a\n${block}${others}`, null, `# a\n${others}`],
  ['nothing to take out', others, null, others],
  ['nothing but ours', block, null, ''],
] as const) {
  test(`a crontab with ${what}`, () => assert.equal(withBlock(before, put), after));
}

test('a block without its end is left to the person', () => {
  assert.throws(() => withBlock(`${others}${block.split('\n')[0] ?? ''}\n0 5 * * * mine\n`, block), /but not # END/);
  const first = block.split('\n')[0] ?? '';
  assert.throws(() => withBlock(`${first}\n0 5 * * * mine\n${block}`, block), /twice before # END/);
});

test('crontab prints the lines of this Node, this program and this config.xml', async (t) => {
  const dir = configFolder(t, minimal);
  const config = path.join(dir, 'config.xml');
  const said = await succeeded(runCli(['-c', config, 'crontab', '--cron-d', 'fleet']));
  assert.ok(said.includes(`fleet ${process.execPath} ${realpathSync(program)} -q -c ${config} collect\n`), said);
  assert.match(said, /^[1-9]-59\/10 \* \* \* \* fleet /m);
});

test('crontab names what is wrong with config.xml, and wants one thing at a time', async (t) => {
  const dir = configFolder(t, '<config><collector every="soon"/></config>');
  await exits(2, runCli(['-c', path.join(dir, 'config.xml'), 'crontab']), /no duration/);
  await exits(2, runCli(['crontab', '--install', '--remove']), /cannot be used with/);
  await exits(2, runCli(['crontab', '--cron-d', 'a', '--install']), /cannot be used with/);
});

test('without crontab(1) nothing is changed, and the timers are named', async (t) => {
  const dir = configFolder(t, minimal);
  const bin = path.join(tempFolder(t), 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, path.join(bin, 'node'));
  const run = runCli(['-c', path.join(dir, 'config.xml'), 'crontab', '--install'], { env: { PATH: bin } });
  const says =
    /no crontab\(1\) here \(crontab-failed\)\. .*enable --now fleet-health-collect\.timer .*crontab --systemd \/etc/;
  await exits(3, run, says);
});

const spool = '/var/spool/cron/crontabs';
const skip = process.getuid?.() !== 0 || !existsSync(spool) ? 'needs root and crontab(1) of Debian' : false;

test('crontab --install and --remove change the crontab of the account, and keep the one before', { skip }, (t) => {
  const config = path.join(configFolder(t, minimal), 'config.xml');
  const home = tempFolder(t);
  const run = `"$NODE" ${program} -c ${config} crontab`;
  // A new file system hides the crontabs of this machine.
  const script = `set -e
mount -t tmpfs -o mode=1730,gid=crontab none ${spool}
${run} --install; crontab -l | grep -c fleet-health
${run} --remove; crontab -l 2>&1 || true
printf '%s\\n' '# mine' '0 4 * * * backup' | crontab -
${run} --install; ${run} --install; crontab -l | head -3
${run} --remove; crontab -l
cat "$HOME/.fleet-health-crontab.before" | tail -1
! HOME="$HOME/none" ${run} --install 2>&1 | cut -d '(' -f 2
crontab -l; ls "$HOME"`;
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, NODE: process.execPath },
  });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.replaceAll(/ The one before: .*/g, '').split('\n'), [
    ...['The lines are in the crontab.', '4', 'The lines are out of the crontab.', 'no crontab for root'],
    ...['The lines are in the crontab.', 'The crontab is as it should be.'],
    ...['# mine', '0 4 * * * backup', '# BEGIN fleet-health (made by `fleet-health crontab`)'],
    ...['The lines are out of the crontab.', '# mine', '0 4 * * * backup', '# END fleet-health'],
    ...['crontab-failed). Set HOME to a folder.', '# mine', '0 4 * * * backup', ''],
  ]);
});

test(
  'printed lines and units name on a terminal the command that installs them',
  { skip: withoutTerminal },
  async (t) => {
    const cwd = configFolder(t, minimal);
    for (const [args, told] of [
      [['crontab'], /lines are only printed\. To install them: fleet-health crontab --install\r?\n$/],
      [
        ['crontab', '--cron-d', 'fleet'],
        /To install them: fleet-health crontab --cron-d fleet >\/etc\/cron\.d\/fleet-health\r?\n$/,
      ],
      [
        ['-c', 'config.xml', 'crontab', '--systemd'],
        /units are only printed\. .* -c config\.xml crontab --systemd \/etc\/systemd\/system\r?\n$/,
      ],
    ] as const) {
      assert.match((await onTerminal(args, { cwd })).screen, told);
    }
    assert.doesNotMatch((await onTerminal(['crontab'], { cwd, into: '| cat' })).screen, /install them/);
  },
);
