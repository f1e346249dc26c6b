// Second tier: mounts real file systems, for each shell and awk
/** Both agents compared with df and stat, on file systems that are made for the test. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Report, Row } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import { shellWord } from '../../src/text/shell-word.ts';
import { visit } from '../support/clients/agent-visit.ts';
import { awks, shells, whereIs } from '../support/clients/shell-client.ts';
import { shellConnection } from '../support/clients/shell-connection.ts';
import { rowsOf, shellAgent } from '../support/clients/shell-report.ts';
import { tempFolder } from '../support/temp-folder.ts';

const namespace = ['unshare', '-m', '-p', '-f', '--kill-child', '--propagation', 'private'] as const;

/**
 * Returns the reason that no file systems can be made and mounted here; `null` if they can. With CI set that is an
 * error.
 */
function mountsMissing(): string | null {
  const script = `set -e; cd "$(mktemp -d)"; trap 'cd /; rm -rf "$OLDPWD"' EXIT
    truncate -s 1M image; mkfs.ext4 -qF image; mkdir at; mount -o loop image at; umount at`;
  const [program, ...args] = namespace;
  const made = process.getuid?.() === 0 && spawnSync(program, [...args, 'sh', '-c', script]).status === 0;
  const reason = made ? null : 'needs root, mount namespaces and loop devices';
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

interface Mounted {
  /** The words of a command that runs a program among the mounts. */
  readonly within: readonly [string, ...string[]];
  /** Returns the output of a program that runs among the mounts. */
  readonly output: (...command: readonly string[]) => string;
}

/** The environment with the machine's own tools, whatever precedes them in PATH. */
const env = { ...process.env, LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Runs a shell text that mounts, in a separate namespace. Its functions: `image NAME SIZE TYPE [OPTIONS]` mounts a new
 * file system on the folder NAME; `odd_fuse NAME BSIZE FRSIZE BLOCKS FREE` mounts one of odd-fuse.mjs. `$1` is the
 * folder.
 */
async function mounted(context: TestContext, dir: string, script: string): Promise<Mounted> {
  const [program, ...args] = namespace;
  const prelude = readFileSync(path.join(import.meta.dirname, '../support/programs/mounted.sh'), 'utf8');
  const text = `${prelude}\n${script}\necho ready\nexec cat >/dev/null`;
  const fuse = path.join(import.meta.dirname, '../support/programs/odd-fuse.mjs');
  const holder = spawn(program, [...args, 'sh', '-ec', text, 'sh', dir, process.execPath, fuse], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  context.after(async () => {
    holder.stdin.end();
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
  });
  let said = '';
  for await (const chunk of holder.stdout) {
    said += String(chunk);
    if (said.endsWith('ready\n')) break;
  }
  if (!said.endsWith('ready\n')) throw new Error(`the mounts could not be made: ${complaint}`);
  const [inner = ''] = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').split(' ');
  const within = [whereIs('nsenter') ?? 'nsenter', '-t', inner, '-m', '--'] as const;
  return {
    within,
    output: (...command) => {
      const [file, ...rest] = [...within, ...command] as [string, ...string[]];
      const { stdout, stderr, status } = spawnSync(file, rest, {
        encoding: 'utf8',
        env,
      });
      if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
      return stdout;
    },
  };
}

const skip = mountsMissing() ?? false;

type Disks = readonly Row[];

interface Made extends Mounted {
  readonly dir: string;
  /** Returns each agent's rows of `disk` below the folder. The mounts are relative to the folder. */
  readonly disks: (options?: ProbeOptions) => Promise<Readonly<Record<'node' | 'shell', Disks>>>;
}

/**
 * Runs a test on file systems that a shell text makes. The working directory of the shell text is the test's folder.
 */
function mountTest(
  name: string,
  script: string | ((dir: string) => string),
  look: (made: Made, context: TestContext) => Promise<void>,
): void {
  test(name, { skip }, async (t) => {
    const dir = tempFolder(t);
    const place = await mounted(t, dir, typeof script === 'string' ? script : script(dir));
    const below = (report: Report | null | undefined): Disks =>
      rowsOf(report ?? assert.fail('no report'), 'disk').flatMap((row) => {
        const mount = String(row['mount']);
        return mount.startsWith(`${dir}/`) ? [{ ...row, mount: mount.slice(dir.length) }] : [];
      });
    const disks: Made['disks'] = async (options = {}) => {
      const env = { HOME: tempFolder(t), PATH: process.env['PATH'] ?? '' };
      const connection = shellConnection({ env, shell: [...place.within, '/bin/sh'] });
      const { reports } = await visit({ connection, probeOptions: options });
      const { report } = await shellAgent(t).run({ options, within: place.within });
      return { node: below(reports[0]), shell: below(report) };
    };
    await look({ ...place, dir, disks }, t);
  });
}

/** Returns the counts of `stat -f`, with the percentages that df derives from them. */
function truthOf(place: Mounted, path: string) {
  const [blocks = 0, free = 0, available = 0, size = 0, inodes = 0, freeInodes = 0] = place
    .output('stat', '-f', '-c', '%b %f %a %S %c %d', path)
    .split(' ')
    .map(Number);
  const used = blocks - free;
  const percent = (part: number, all: number): number => Math.round((10_000 * part) / all) / 100;
  return {
    size_bytes: blocks * size,
    used_bytes: used * size,
    available_bytes: available * size,
    used_percent: percent(used, used + available),
    inodes_percent: inodes === 0 ? null : percent(inodes - freeInodes, inodes),
  };
}

function figuresOf(row: Row | undefined) {
  const { size_bytes, used_bytes, available_bytes, used_percent, inodes_percent } = row ?? {};
  return { size_bytes, used_bytes, available_bytes, used_percent, inodes_percent };
}

/** Returns the percentage that df prints, by mount. */
function dfPercents(place: Mounted, field: 'pcent' | 'ipcent'): ReadonlyMap<string, number> {
  const lines = place.output('df', '-a', `--output=${field},target`).split('\n').slice(1);
  return new Map(
    lines.flatMap((line) => {
      const [, percent, target = ''] = /^ *(\d+)% (.*)$/.exec(line) ?? [];
      return percent === undefined ? [] : [[target, Number(percent)] as const];
    }),
  );
}

mountTest(
  'both agents and df say the same of ext4, xfs, btrfs, tmpfs, overlay and read-only file systems',
  `image ext4 64M ext4; head -c 20971520 /dev/zero >ext4/full
  image xfs 320M xfs; head -c 31457280 /dev/zero >xfs/some; sync -f xfs
  image btrfs 128M btrfs; head -c 9437184 /dev/zero >btrfs/some; sync -f btrfs
  image ro 8M ext4; head -c 3145728 /dev/zero >ro/some; mount -o remount,ro ro
  mkdir tmp run; mount -t tmpfs -o size=1M,nr_inodes=50 tmpfs tmp; head -c 921600 /dev/zero >tmp/some
  mount -t tmpfs -o size=1M tmpfs run
  mkdir tmp/upper tmp/work merged
  mount -t overlay -o lowerdir=ext4,upperdir=tmp/upper,workdir=tmp/work overlay merged`,
  async (made) => {
    const { dir } = made;
    const disks = await made.disks({ mounts: [`${dir}/tmp`, `${dir}/merged`] });
    const [percents, inodePercents] = [dfPercents(made, 'pcent'), dfPercents(made, 'ipcent')];
    for (const [agent, rows] of Object.entries(disks)) {
      const found = rows.map((row) => [row['mount'], row['fstype'], row['mode']].join(' ')).sort();
      const expected = ['/btrfs btrfs rw', '/ext4 ext4 rw', '/merged overlay rw', '/ro ext4 ro', '/tmp tmpfs rw'];
      assert.deepEqual(found, [...expected, '/xfs xfs rw'], agent);
      for (const row of rows) {
        const path = `${dir}${String(row['mount'])}`;
        assert.deepEqual(figuresOf(row), truthOf(made, path), `${agent} ${path}`);
        const [used, available] = [Number(row['used_bytes']), Number(row['available_bytes'])];
        assert.equal(Math.ceil((100 * used) / (used + available)), percents.get(path), `${agent} ${path}`);
        if (row['inodes_percent'] === null) continue;
        const above = (inodePercents.get(path) ?? NaN) - Number(row['inodes_percent']);
        assert.ok(above >= 0 && above <= 1, `${agent} inodes of ${path}`);
      }
    }
  },
);

mountTest(
  'a file system is named after the mount of its root, not after bind mounts and subvolumes',
  `image alonglongname 16M ext4; mkdir alonglongname/sub b; mount --bind alonglongname/sub b
  image btrfs 128M btrfs; btrfs -q subvolume create btrfs/sub; mkdir sv
  mount -o subvol=sub "$(findmnt -no SOURCE btrfs)" sv
  image gone 16M ext4; mkdir gone/sub onlybind; mount --bind gone/sub onlybind; umount gone`,
  async ({ dir, disks, output }) => {
    for (const [agent, rows] of Object.entries(await disks())) {
      assert.deepEqual(rows.map(({ mount }) => mount).sort(), ['/alonglongname', '/btrfs', '/onlybind'], agent);
    }
    const df = output('df', '--output=target').split('\n');
    for (const name of ['alonglongname', 'btrfs', 'onlybind']) assert.ok(df.includes(`${dir}/${name}`), name);
    assert.ok(!df.includes(`${dir}/b`));
    for (const [agent, rows] of Object.entries(await disks({ mounts: [`${dir}/b`] }))) {
      const ofBoth = rows.map(({ mount }) => mount).filter((mount) => mount === '/alonglongname' || mount === '/b');
      assert.deepEqual(ofBoth, ['/alonglongname', '/b'], `${agent}: what gives the name comes first`);
    }
  },
);

mountTest(
  'an ext4 file system that an error made read-only is read-only, although its mount still says rw',
  `image broken 8M ext4 errors=remount-ro
  echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE broken)")/trigger_fs_error"
  ! touch broken/file 2>/dev/null`,
  async (made) => {
    for (const [agent, rows] of Object.entries(await made.disks())) {
      const modes = rows.map(({ mount, mode }) => [mount, mode]);
      assert.deepEqual(modes, [['/broken', 'ro']], agent);
      assert.deepEqual(figuresOf(rows[0]), truthOf(made, `${made.dir}/broken`), agent);
    }
  },
);

mountTest(
  'a FUSE file system with two block sizes is as large as df has it',
  'odd_fuse large 1048576 4096 1000000 48750; odd_fuse small 512 65536 500000 123; odd_fuse same 4096 4096 999 998',
  async (made) => {
    const { node, shell } = await made.disks();
    assert.equal(node.length, 3);
    assert.equal(shell.length, 3);
    for (const row of [...node, ...shell]) {
      const path = `${made.dir}${String(row['mount'])}`;
      assert.deepEqual(figuresOf(row), truthOf(made, path), path);
    }
  },
);

mountTest(
  'without a df to ask, the size of a FUSE file system is unknown, not wrong',
  'odd_fuse large 1048576 4096 1000000 48750; mount --bind /bin/false "$(command -v df)"',
  async ({ disks }) => {
    const { node } = await disks();
    assert.deepEqual(figuresOf(node[0]).size_bytes, null);
    assert.equal(node[0]?.['unresponsive'], 0);
  },
);

const awkward = [
  ...['a b', '$(touch pwned)', '`id`', '"q"', "it's", '*', '[x]?', 'tab\there', 'back\\040slash', 'new\nline'],
  ...['n\\nn\n', 'ü', '%s%n', '#x', '-f', ';&|<>!~{a,b}'],
];
const shown = (name: string): string => `/${name.replace(/[\t\n]/g, '\ufffd')}`;

mountTest(
  'mount points with blanks, quotes, line breaks and shell characters are measured as they are',
  `for name in ${awkward.map(shellWord).join(' ')}; do image "./$name" 1M ext4; done`,
  async (made, t) => {
    const { dir } = made;
    const expected = awkward.map(shown).sort();
    const sizes = new Map(awkward.map((name) => [`${dir}${shown(name)}`, truthOf(made, `${dir}/${name}`).size_bytes]));
    for (const shell of shells) {
      for (const awk of awks) {
        const { report } = await shellAgent(t, { awk }).run({ shell, within: made.within });
        const all = rowsOf(report ?? assert.fail('no report'), 'disk');
        const rows = all.filter(({ mount }) => String(mount).startsWith(`${dir}/`));
        assert.deepEqual(rows.map(({ mount }) => String(mount).slice(dir.length)).sort(), expected, `${shell} ${awk}`);
        for (const { mount, size_bytes: size } of rows) {
          assert.equal(size, sizes.get(String(mount)), `${shell} ${awk} ${String(mount)}`);
        }
      }
    }
    const { node } = await made.disks();
    assert.deepEqual(node.map(({ mount }) => String(mount)).sort(), expected);
    for (const row of node) assert.notEqual(row['used_percent'], null, String(row['mount']));
    assert.doesNotMatch(made.output('ls', dir), /pwned$/m);
  },
);

const fstab = (dir: string): string => `# /dev/none ${dir}/comment ext4 defaults 0 2
/dev/none ${dir}/gone ext4 defaults 0 2
UUID=1234\t${dir}/a\\040blank/\txfs\trw,noatime\t0\t2
nas:/x  ${dir}/nfs nfs _netdev 0 0
/dev/none ${dir}/noauto ext4 user,noauto 0 0
/dev/none ${dir}/nofail ext4 nofail,x-systemd.device-timeout=1 0 0
/dev/none ${dir}/later ext4 x-systemd.automount 0 0
/dev/none ${dir}/there ext4 defaults 0 2
/dev/none ${dir}/link/there ext4 defaults 0 2
tmpfs ${dir}//tmp tmpfs defaults 0 0
/dev/none none swap sw 0 0
/dev/none ${dir}/swapfile swap sw 0 0
proc /proc proc defaults 0 0
`;

mountTest(
  'mounts of /etc/fstab that are not there are missing, whatever stands in it beside them',
  (dir) => `image there 1M ext4; mkdir real gone tmp; image real/there 1M ext4; ln -s real link
  mount -t tmpfs tmpfs tmp\ncat >fstab <<'.'\n${fstab(dir)}.
  [ -e /etc/fstab ] || >/etc/fstab; mount --bind fstab /etc/fstab`,
  async ({ disks }) => {
    for (const [agent, rows] of Object.entries(await disks())) {
      const missing = rows.filter(({ mode }) => mode === 'missing');
      const words = missing.map(({ mount, fstype, source, scope, used_percent, unresponsive }) =>
        [mount, fstype, source, scope, used_percent, unresponsive].join(' '),
      );
      const local = ['/a blank xfs UUID=1234 local  ', '/gone ext4 /dev/none local  '];
      assert.deepEqual(words.sort(), [...local, '/nfs nfs nas:/x network  '], agent);
    }
  },
);

test('files and units of /etc on an overlay are told by both agents', { skip }, async (t) => {
  const place = await mounted(
    t,
    tempFolder(t),
    `mkdir layers; mount -t tmpfs tmpfs layers; mkdir layers/upper layers/work
    mount -t overlay -o lowerdir=/etc,upperdir=layers/upper,workdir=layers/work,xino=off overlay /etc
    echo a >/etc/fleet-health-own.conf; echo '[Service]' >/etc/systemd/system/fleet-health-own.service`,
  );
  const env = { HOME: tempFolder(t), PATH: process.env['PATH'] ?? '' };
  const { reports } = await visit({
    connection: shellConnection({ env, shell: [...place.within, '/bin/sh'] }),
    kind: 'state',
  });
  const { report } = await shellAgent(t).run({ state: true, within: place.within });
  const told = [reports[0], report].map((one) =>
    ['file', 'unit'].map((kind) => one?.sections?.find((section) => section.kind === kind)),
  );
  assert.deepEqual(told[1], told[0]);
  const items = told[0]?.map((section) => section?.lines?.map((line) => line.split('\t', 1)[0]));
  for (const [at, own] of ['/etc/fleet-health-own.conf', 'fleet-health-own.service'].entries())
    assert.ok(items?.[at]?.includes(own), `${own} of ${items?.[at]?.join(', ')}`);
});
