// Second tier: runs each program of a client in place of another one
/**
 * Clients with a program in PATH that only has the name of the one that an agent asks: whatever it prints is no fact. A
 * report is the same as with the real program, or an error names the program.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { services } from '../../../agent/probes/services.ts';
import { readState } from '../../../agent/state/collect-state.ts';
import { liveState } from '../../../agent/state/live-state.ts';
import type { Report, StateSection } from '../../../src/report/report.ts';
import { rootWith, shellAgent, workerOf } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf, familyOf, reasonOf } from '../probes/fixture-context.ts';

/** The shell text of programs that are not those of their names. */
const impostors: Readonly<Record<string, string>> = {
  'prints nothing': 'exit 0',
  'prints another text': `printf '\\033[31mhello\\033[0m\\n'; echo "usage: $0 FILE"; echo '{"Id=x": [{}]}'; echo "is a test ok"`,
  'prints a number': 'echo 447649',
  'repeats its words': 'echo "$@"',
  'repeats its input': 'exec cat',
  'fails with words': 'echo hello; exit 3',
  'never ends': 'exec sleep 60',
  floods: 'exec yes "hello hello"',
  'floods a single line': 'exec cat /dev/zero',
};

const units = `Id=-.slice
Names=-.slice
LoadState=loaded
ActiveState=active

Id=bad.service
Names=bad.service
LoadState=loaded
ActiveState=failed
`;
const deb = 'ii hello 2.10 amd64\n /etc/deb.conf 0cc175b9c0f1b6a831c399e269772661\n\n';
const cat = (text: string): string => `cat <<'END'\n${text}END`;
const rpm = `case "$*" in *fleet-health) echo fleet-health ;; *--dump) ;; *) echo 1 bash 5.2-1 x86_64 ;; esac`;
const real: Readonly<Record<string, string>> = { systemctl: cat(units), 'dpkg-query': cat(deb), rpm };

/** Returns the root of a machine with systemd, dpkg and rpm. */
function machineWith(t: TestContext, own: Readonly<Record<string, string>>): string {
  const root = rootWith(tempFolder(t), {
    'etc/deb.conf': 'a',
    'etc/own.conf': 'b',
    'etc/systemd/system/app.service': '[Service]\nExecStart=/bin/app\n',
    'etc/passwd': 'root:x:0:0::/root:/bin/bash\n',
    'etc/group': 'sudo:x:27:\n',
    'etc/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n',
    'run/systemd/system/x': '',
    'var/lib/dpkg/status': 'Package: hello\n',
    'var/lib/rpm/rpmdb.sqlite': 'x',
    'proc/cmdline': 'root=/dev/vda\n',
    'proc/uptime': '1000.5 1.0\n',
    'proc/net/tcp': '  sl  local_address rem_address   st\n',
    'proc/self/mountinfo': '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n',
    'proc/sys/kernel/osrelease': '6.1.0-1\n',
    'proc/sys/kernel/random/boot_id': '035a4846-3a67-49e9-aedc-cdaa973b2287\n',
  });
  for (const file of ['systemd/system/app.service', 'own.conf', 'os-release'])
    utimesSync(path.join(root, 'etc', file), 1e9, 1e9);
  mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
  for (const [name, text] of Object.entries({ ...real, ...own })) {
    if (!(name in real)) continue;
    const file = path.join(root, 'usr/bin', name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }
  return root;
}

const sectionsOf = ({ sections = [] }: Partial<Report>): readonly StateSection[] => sections;

/** Asserts that each section is as with the real program, or that its error names the program. */
function assertNoFalseSection(found: readonly StateSection[], wanted: readonly StateSection[], program: string): void {
  assert.deepEqual(
    found.map(({ kind }) => kind),
    wanted.map(({ kind }) => kind),
  );
  found.forEach((section, at) => {
    if (section.error === null) assert.deepEqual(section, wanted[at]);
    else assert.match(section.error, new RegExp(`^${program}`), section.kind);
  });
}

const stateOfNode = async (root: string, deadlineMs: number): Promise<readonly StateSection[]> => {
  const { report = {} } = await readState(liveState(openSource(root), root), { options: {}, deadlineMs });
  return sectionsOf(report);
};
/** Returns the time of the Node agent for a program. One that never ends costs this time; a good one needs little. */
const allowedMs = (what: string): number => (what === 'never ends' ? 2000 : 20_000);

describe('the state', () => {
  for (const program of ['dpkg-query', 'rpm']) {
    for (const [what, text] of Object.entries(impostors)) {
      test(`node: a ${program} that ${what}`, async (t) => {
        const wanted = await stateOfNode(machineWith(t, {}), 20_000);
        const found = await stateOfNode(machineWith(t, { [program]: text }), allowedMs(what));
        assert.notEqual(found[0]?.error, null);
        assertNoFalseSection(found, wanted, program);
      });
    }
  }
  let wanted: readonly StateSection[] | null = null;
  const stateOfShell = async (
    t: TestContext,
    own: Readonly<Record<string, string>>,
  ): Promise<readonly StateSection[]> => {
    const agent = shellAgent(t, { own: { ...real, ...own } });
    const run = await agent.run({ root: machineWith(t, {}), state: true, killAfterSeconds: 60 });
    assert.equal(run.fault, null);
    assert.match(run.end?.stamp ?? '', /^(?:[0-9a-f]{64}|-)$/);
    return sectionsOf(run.report ?? {});
  };
  for (const program of ['md5sum', 'sha256sum']) {
    test(`shell: a ${program} that needs too long for a file`, async (t) => {
      wanted ??= await stateOfShell(t, {});
      const slow = `[ "$1" ] || exec /usr/bin/${program}
        for x; do case $x in */own.conf) exec sleep 60 ;; *) /usr/bin/${program} "$x" ;; esac; done`;
      const found = await stateOfShell(t, { [program]: slow });
      assertNoFalseSection(found, wanted, program);
      assert.ok(found.some(({ error }) => error !== null));
    });
  }
  for (const program of ['dpkg-query', 'rpm', 'md5sum', 'sha256sum', 'awk', 'gzip']) {
    for (const [what, text] of Object.entries(impostors)) {
      test(`shell: a ${program} that ${what}`, async (t) => {
        wanted ??= await stateOfShell(t, {});
        assert.ok(wanted.every(({ error }) => error === null));
        const found = await stateOfShell(t, { [program]: text });
        assertNoFalseSection(found, wanted, program);
        if (program === 'awk' || program === 'gzip') assert.deepEqual(found, wanted);
      });
    }
  }
});

describe('a visit', () => {
  for (const [what, text] of Object.entries(impostors)) {
    test(`node: a systemctl that ${what}`, async (t) => {
      const root = machineWith(t, { systemctl: text });
      const leftMs = (): number => allowedMs(what);
      const { functions, error } = await services.run(contextOf(root, { options: { units: ['a'] }, leftMs }));
      assert.match(error ?? '', /^systemctl: /);
      assert.match(reasonOf(functions, 'services', 'failed_units') ?? '', /^systemctl: /);
      assert.deepEqual(familyOf(functions, 'failed_unit').data, []);
    });
    for (const program of ['systemctl', 'journalctl', 'awk', 'gzip', 'sha256sum']) {
      test(`shell: a ${program} that ${what}`, async (t) => {
        const root = machineWith(t, {});
        const own = { ...real, [program]: text };
        const run = await shellAgent(t, { own }).run({ root, killAfterSeconds: 60, options: { units: ['bad'] } });
        assert.equal(run.fault, null);
        const { error, function_reports: families } = workerOf(run, 'services');
        const unknown = families.map(({ name }) => reasonOf(families, name, 'failed_units'));
        if (program === 'systemctl') {
          assert.match(error ?? '', /^systemctl: /);
          assert.match(unknown[0] ?? '', /^systemctl: /);
        } else {
          assert.equal(error, null);
          assert.deepEqual(familyOf(families, 'services').data, [{ failed_units: 1 }]);
          assert.deepEqual(familyOf(families, 'unit').data, [{ unit: 'bad', state: 'failed', active: 0 }]);
        }
      });
    }
  }
});
