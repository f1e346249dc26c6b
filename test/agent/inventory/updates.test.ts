/** Pending updates: the inventory or the shell agent asks for them, and visits repeat the answer. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { updatesOfToday } from '../../../agent/inventory/updates.ts';
import { updates } from '../../../agent/probes/updates.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { checkAwks, inShort } from '../../support/clients/built-in-checks.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { ageNotes } from '../../support/clients/shell-notes.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf } from '../probes/fixture-context.ts';

const day = 86_400;
const noUpdates = '0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n';

interface Manager {
  readonly path: string;
  readonly lists: string;
  /** The files below `lists`: those without which nothing is known of updates, and of security updates. */
  readonly index: string;
  readonly securityIndex?: string;
  /** The answers to `check-update`, `check-update --security` and `--version`. Others are asked once. */
  readonly answers: readonly string[];
  readonly status?: number;
  readonly text: string;
  readonly perfdata: string;
}

const managers: Readonly<Record<string, Manager>> = {
  // The output of apt 2.6.1 of Debian 12, and lines of Ubuntu 22.04 in the format of its documentation.
  'apt-get': {
    path: 'usr/bin/apt-get',
    lists: 'var/lib/apt/lists',
    index: 'deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages',
    securityIndex: 'security.debian.org_debian-security_dists_bookworm-security_InRelease',
    answers: [
      `NOTE: This is only a simulation!
Reading package lists...
The following packages will be upgraded:
  base-files bash libgcrypt20 liblzma-dev
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst libgcrypt20 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
Inst liblzma-dev [5.4.1-1] (5.4.1-1+deb12u2 Debian-Security:12/oldstable-security [amd64]) []
Inst my-security [1] (2 Example:1/stable [all])
Inst libssl3 [3.0.2-0ubuntu1.1] (3.0.2-0ubuntu1.2 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])
`,
    ],
    text: '5 updates pending, 3 for security',
    perfdata: 'total=5 security=3',
  },
  // The format of `dnf check-update` in dnf(8), and a line that yum wraps.
  dnf: {
    path: 'usr/bin/dnf',
    lists: 'var/cache/dnf',
    index: 'baseos-2e5f1d0a9b3c4d5e/repodata/repomd.xml',
    securityIndex: 'baseos-2e5f1d0a9b3c4d5e/repodata/9f8e-updateinfo.xml.gz',
    answers: [
      `
kernel.x86_64                  5.14.0-503.15.1.el9_5       baseos
python3.9-libs.i686            3.9.21-1.el9_5              appstream
a-package-with-a-very-long-name.noarch
                               1-2.el9                     epel
Obsoleting Packages
old.x86_64                     1-1                         baseos
    older.x86_64               1-0                         @System
`,
      `
kernel.x86_64                  5.14.0-503.15.1.el9_5       baseos
`,
      '4.14.0\n  Installed: dnf-0:4.14.0-17.el9.noarch at Mon 01 Jan 2024 00:00:00 GMT\n',
    ],
    status: 100,
    text: '3 updates pending, 1 for security',
    perfdata: 'total=3 security=1',
  },
  // The table of list-patches in the manual of SUSE Linux Enterprise.
  zypper: {
    path: 'usr/bin/zypper',
    lists: 'var/cache/zypp/raw',
    index: 'SLES-Update/repodata/9f8e-updateinfo.xml.gz',
    answers: [
      `Loading repository data...
Reading installed packages...

Repository  | Name                    | Category    | Severity  | Interactive | Status | Since | Summary
------------+-------------------------+-------------+-----------+-------------+--------+-------+---------
SLES-Update | SUSE-SLE-15-2026-1      | security    | important | reboot      | needed | -     | Security update | kernel
SLES-Update | SUSE-SLE-15-2026-2      | recommended | moderate  | ---         | needed | -     | Recommended update

Found 2 applicable patches:
`,
    ],
    text: '2 updates pending, 1 for security',
    perfdata: 'total=2 security=1',
  },
  apk: {
    path: 'sbin/apk',
    lists: 'var/cache/apk',
    index: 'APKINDEX.9f8e7d6c.tar.gz',
    answers: [
      'Installed:                                Available:\nbusybox-1.36.1-r15                      < 1.36.1-r19 \n',
    ],
    text: '1 update pending',
    perfdata: 'total=1',
  },
};

interface Machine {
  readonly lists: string;
  readonly script: (text: string) => void;
}

/**
 * Makes the root of a machine whose package manager writes its arguments to `args` and prints its answers from files. A
 * manager that the machine had is gone.
 */
function machineWith(
  root: string,
  { path, lists, index, securityIndex = index, answers, status = 0 }: Manager,
): Machine {
  for (const other of Object.values(managers)) rmSync(`${root}/${other.path}`, { force: true });
  rmSync(`${root}/args`, { force: true });
  answers.forEach((answer, at) => rootWith(root, { [`answer${at}`]: answer }));
  rootWith(root, { [`${lists}/${index}`]: '', [`${lists}/${securityIndex}`]: '' });
  mkdirSync(`${root}/${path.slice(0, path.lastIndexOf('/'))}`, { recursive: true });
  const script = (text: string): void => writeFileSync(`${root}/${path}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  script(
    `echo "$@" >>${root}/args\ncase $* in *--security) cat ${root}/answer1 ;; *--version) cat ${root}/answer2; exit ;; *) cat ${root}/answer0 ;; ` +
      `esac\nexit ${status}`,
  );
  return { lists: `${root}/${lists}`, script };
}

/** An agent on a machine. */
interface Agent {
  /** Ages the last question by these seconds, asks the package manager if an answer is due, and visits. */
  readonly next: (seconds: number) => Promise<readonly CheckResult[]>;
}

function nodeAgent(t: TestContext, root: string): Agent {
  const placeDir = tempFolder(t);
  t.mock.restoreAll();
  let nowMs = Date.now();
  t.mock.method(Date, 'now', () => nowMs);
  return {
    next: async (seconds) => {
      nowMs += seconds * 1000;
      if (seconds !== 60) await updatesOfToday.run(contextOf(root, { placeDir, leftMs: () => 60_000 }));
      const { checks = [] } = await updates.run(contextOf(root, { placeDir }));
      return withBuiltIn(null, checks).checks ?? [];
    },
  };
}

function shellAgentOf(t: TestContext, root: string, awk: string): Agent {
  // On a busy machine a nice process would get no CPU in its time.
  const agent = shellAgent(t, { awk, own: { nice: 'shift 2\nexec "$@"' } });
  let uptime = 1000;
  return {
    next: async (seconds) => {
      // The clock of the client stands still; the times in its files are moved into the past instead.
      ageNotes(agent.place, seconds);
      rootWith(root, { 'proc/uptime': `${(uptime += 60)}.00 1.00\n` });
      for (const [name, { path }] of Object.entries(managers)) {
        rmSync(`${agent.bin}/${name}`, { force: true });
        if (existsSync(`${root}/${path}`)) symlinkSync(`${root}/${path}`, `${agent.bin}/${name}`);
      }
      const { report, fault } = await agent.run({ root, killAfterSeconds: 20 });
      assert.equal(fault, null);
      return report?.checks ?? [];
    },
  };
}

const agents: Readonly<Record<string, (t: TestContext, root: string) => Agent>> = {
  node: nodeAgent,
  ...Object.fromEntries(checkAwks.map((awk) => [awk, (t: TestContext, root: string) => shellAgentOf(t, root, awk)])),
};

const argsOf = (root: string): readonly string[] => readFileSync(`${root}/args`, 'utf8').trim().split('\n');

for (const [agent, agentOn] of Object.entries(agents)) {
  const onlyNode = { skip: agent === 'node' ? false : skipUnlessWide };
  test(`each package manager is asked a day after the first visit, and repeated (${agent})`, async (t) => {
    // The managers are those of a single client, one after the other.
    let root = tempFolder(t);
    let client = agentOn(t, root);
    for (const [at, [name, manager]] of Object.entries(managers).entries()) {
      const isFirst = at === 0 || isWide;
      if (isFirst && at > 0) {
        root = tempFolder(t);
        client = agentOn(t, root);
      }
      machineWith(root, manager);
      if (isFirst) assert.deepEqual(await client.next(0), [], name);
      const output = `${manager.text}|${manager.perfdata}`;
      assert.deepEqual((await client.next(day)).map(inShort), [{ name: 'updates', exit: 0, output }], name);
      assert.equal(argsOf(root).length, manager.answers.length, name);
      if (!isFirst) continue;
      const [again] = await client.next(60);
      assert.equal(again?.output, output);
      assert.ok(again.age_s >= 60 && again.age_s < 120, String(again.age_s));
      assert.equal(argsOf(root).length, manager.answers.length, name);
    }
  });

  test(
    `security updates pending for a week are a WARNING, until they are installed (${agent})`,
    onlyNode,
    async (t) => {
      const manager = managers['apt-get'];
      assert.ok(manager);
      const root = tempFolder(t);
      machineWith(root, manager);
      const { next } = agentOn(t, root);
      await next(0);
      await next(day);
      for (let days = 1; isWide && days < 6; days += 1) await next(day + 1);
      assert.deepEqual((await next(isWide ? day + 1 : 6 * (day + 1))).map(inShort)[0], {
        name: 'updates',
        exit: 0,
        output: '5 updates pending, 3 for security, the oldest for 6 d|total=5 security=3',
      });
      assert.deepEqual((await next(day + 1)).map(inShort)[0], {
        name: 'updates',
        exit: 1,
        output: '5 updates pending, 3 for security, the oldest for 7 d|total=5 security=3',
      });
      // Two of the three old security updates are left, and a new one was published: the old ones determine the state.
      const [answer = ''] = manager.answers;
      rootWith(root, { answer0: answer.replaceAll('libgcrypt20', 'libnew').replace(/^Inst libssl3.*$/m, '') });
      assert.deepEqual((await next(2 * day + 1)).map(inShort)[0], {
        name: 'updates',
        exit: 1,
        output: '4 updates pending, 2 for security, the oldest for 9 d|total=4 security=2',
      });
      rootWith(root, {
        answer0: answer.replaceAll('libgcrypt20', 'libnew').replace(/^Inst lib(ssl3|lzma).*$/gm, ''),
      });
      assert.deepEqual((await next(day)).map(inShort)[0], {
        name: 'updates',
        exit: 0,
        output: '3 updates pending, 1 for security, the oldest for 1 d|total=3 security=1',
      });
      rootWith(root, { answer0: `Reading package lists...\n${noUpdates}` });
      assert.deepEqual((await next(day)).map(inShort)[0], {
        name: 'updates',
        exit: 0,
        output: 'no updates pending|total=0 security=0',
      });
    },
  );

  test(`a manager without lists, one that fails, and old lists (${agent})`, onlyNode, async (t) => {
    const manager = managers['apt-get'];
    assert.ok(manager);
    const root = tempFolder(t);
    machineWith(root, { ...manager, lists: 'elsewhere' });
    const { next } = agentOn(t, root);
    await next(0);
    assert.deepEqual(await next(day), []);
    assert.equal(existsSync(`${root}/args`), false, 'without lists nothing is asked');
    const { lists, script } = machineWith(root, manager);
    const answering = readFileSync(`${root}/usr/bin/apt-get`, 'utf8');
    script(`echo "$@" >>${root}/args; exit 100`);
    assert.deepEqual(await next(day), [], 'it has never answered');
    assert.deepEqual(await next(60), []);
    assert.equal(argsOf(root).length, 1, 'it is asked again a day later');
    script(answering);
    assert.equal((await next(day))[0]?.exit, 0);
    script('exit 100');
    const [broken] = await next(day);
    assert.equal(broken?.exit, 3);
    assert.match(broken.output, /^[a-z -]+: ended with 100$/);
    script(answering);
    rootWith(root, { answer0: noUpdates });
    const old = Date.now() / 1000 - 45.5 * day;
    utimesSync(lists, old, old);
    const [reported] = await next(day);
    // The clock of the Node agent has advanced by a day.
    assert.match(reported?.output ?? '', /^no updates pending, package lists are 4[56] d old\|total=0 security=0$/);
  });
}

for (const [name, manager] of Object.entries(managers)) {
  test(`what ${name} does not know is no 0`, async (t) => {
    const { lists, index, securityIndex, text, answers, path } = manager;
    const root = tempFolder(t);
    machineWith(root, manager);
    const { next } = nodeAgent(t, root);
    const said = async (): Promise<readonly string[]> =>
      (await next(day)).map(({ exit, output }) => `${String(exit)} ${output}`);
    await next(0);
    assert.deepEqual(await said(), [`0 ${text}|${manager.perfdata}`]);
    if (securityIndex !== undefined) {
      rmSync(`${root}/${lists}/${securityIndex}`);
      const [total = ''] = text.split(',', 1);
      assert.deepEqual(await said(), [`0 ${total}|${manager.perfdata.split(' ', 1).join()}`]);
    }
    rmSync(`${root}/${lists}/${index}`);
    assert.deepEqual(await said(), ['3 no package lists']);
    assert.deepEqual(await nodeAgent(t, root).next(day), []);
    // A status of its own for an answer without a repository is no reason to ask again.
    rootWith(root, { [`${lists}/${index}`]: '' });
    const isAsked = argsOf(root).length;
    writeFileSync(`${root}/${path}`, readFileSync(`${root}/${path}`, 'utf8').replace(/exit \d+$/m, 'exit 106'));
    const [part = ''] = await said();
    assert.match(part, name === 'zypper' ? /^3 a repository could not be read, at least 2 / : /^3 .*ended with 106$/);
    assert.equal(argsOf(root).length - isAsked, name === 'zypper' ? answers.length : 1);
  });
}

test('files that no agent wrote are no answer', async (t) => {
  const placeDir = tempFolder(t);
  for (const content of [
    '',
    '{',
    'null',
    '{"atMs":1}',
    JSON.stringify({ atMs: Date.now() + 1e6, state: 1, text: 'x', perfdata: '' }),
  ]) {
    writeFileSync(`${placeDir}/updates.json`, content);
    const { checks = [] } = await updates.run(contextOf(tempFolder(t), { placeDir }));
    assert.deepEqual(checks, [], content);
  }
});
