/** A machine that has BusyBox and nothing else. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { whereIs } from '../../support/clients/shell-client.ts';
import { shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder, type Scope } from '../../support/temp-folder.ts';

const busybox = whereIs('busybox') ?? '';
const skip = process.getuid?.() !== 0 && 'needs root for chroot';
// A mount of its own hides where this machine's files are.
const enter = `mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec ${whereIs('chroot') ?? ''} "$0" "$@"`;

/** Makes the files of the machine, with a check of its own. */
function makeRoot(t: Scope): string {
  const root = tempFolder(t);
  for (const folder of ['bin', 'etc', 'proc', 'dev', 'root', 'tmp'])
    mkdirSync(path.join(root, folder), { recursive: true });
  // Debian has a BusyBox without libraries too.
  const libraries = spawnSync('ldd', [busybox], { encoding: 'utf8' }).stdout.match(/\/\S+\.so\S*/g) ?? [];
  for (const file of [busybox, ...libraries]) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    copyFileSync(file, path.join(root, file));
  }
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets.filter((one) => one !== 'busybox')) symlinkSync(busybox, path.join(root, 'bin', name));
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
  const confs = path.join(root, 'root/.config/fleet-health/checks.d');
  mkdirSync(confs, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(confs, 'own.conf'), 'fine true\n');
  return root;
}

test('a machine with BusyBox alone tells its figures, its state and its checks', { skip }, async (t) => {
  const root = makeRoot(t);
  const agent = shellAgent(t, { shell: 'busybox ash', env: { HOME: '/root', PATH: '/bin' } });
  const within = [whereIs('unshare') ?? '', '--mount', '/bin/sh', '-c', enter, root];
  const { report, end } = await agent.run({ within, killAfterSeconds: 30 });
  const failed = report?.worker_reports
    .filter(({ error }) => error !== null)
    .map(({ name, error }) => `${name}: ${error ?? ''}`);
  assert.deepEqual(failed, []);
  assert.deepEqual(
    report?.checks?.map(({ name, exit }) => `${name} ${String(exit)}`),
    ['fine 0'],
  );
  assert.match(end?.stamp ?? '', /^[0-9a-f]{64}$/);

  const state = await agent.run({ within, killAfterSeconds: 30, state: true });
  const sections = state.report?.sections ?? [];
  assert.deepEqual(
    // The servers that listen, and the kernel, are those of this machine.
    sections.map(({ kind, error, lines }) => [kind, error, kind === 'listener' || kind === 'system' || lines]),
    [
      ...['package', 'file', 'unit'].map((kind) => [kind, null, []]),
      ['account', null, ['root\t0 /root /bin/sh']],
      ['listener', null, true],
      ['mount', null, []],
      ['system', null, true],
    ],
  );
});
